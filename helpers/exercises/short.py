"""The short exercises at the end of lessons 04 and 05, before the quiz: what the objectives ask for besides."""

from helpers.exercises.judges import Exercise, choices, numbers

import numpy as np

LESSON_04: dict[int, Exercise] = {
    6: Exercise(
        choices(
            {"P": "c", "Q": "b", "R": "a", "S": "d"},
            {
                "P": {
                    "a": "a loss gets smaller while a network learns. This one grows from 0.22 to 0.99.",
                    "b": "a loss can be above 1. This one is a share, and comes near to 1.",
                    "d": "it comes to 0.99. With so few images only those it has learned from get there.",
                },
                "Q": {
                    "a": "it turns around after epoch 4. On the images that it learns from, the loss goes on falling.",
                    "c": "no accuracy is above 1.",
                    "d": "no accuracy is above 1.",
                },
                "R": {
                    "b": "it falls to the end. On images that it does not learn from, the network gets sure and wrong.",
                    "c": "no accuracy is above 1, and this one begins at 2.1.",
                    "d": "no accuracy is above 1, and this one begins at 2.1.",
                },
                "S": {
                    "a": "it grows, and stays below 1: a share of right answers.",
                    "b": "it grows, and stays below 1. The loss on these images would be above 1, as Q is.",
                    "c": "it stays far below the other accuracy. Which images does the network know by heart?",
                },
            },
        ),
        "Two losses and two accuracies; where they part, the network learns by heart.",
        (
            "Accuracies are at most 1, and grow. Of each kind, one curve is that of the training images.",
            "Training images: a loss that falls to the end, an accuracy near 1.",
        ),
    ),
    7: Exercise(
        numbers(
            {"by_loss": 4, "by_accuracy": 5, "every": 6},
            {
                "by_loss": {
                    6: "that is the last epoch. With save_best_only=True only a smaller loss is stored.",
                    5: "there the accuracy is highest. Without `monitor` it looks at val_loss.",
                    3: "epochs are counted from 1 here.",
                    2: "it does not stop at the first rise: a smaller loss comes later.",
                    1.4: "that is the loss. In which epoch is it?",
                    1: "there the loss is largest.",
                },
                "by_accuracy": {
                    6: "that is the last epoch. Only a larger accuracy is stored.",
                    4: "there the loss is smallest. Now it looks at val_accuracy.",
                    3: "it does not stop where the accuracy falls first: a larger one comes later.",
                    0.47: "that is the accuracy. In which epoch is it?",
                    1: "there the accuracy is smallest.",
                },
                "every": {
                    4: "without save_best_only each epoch takes the place of the one before, better or not.",
                    5: "without save_best_only each epoch takes the place of the one before, better or not.",
                    1: "the file is written again after each epoch.",
                },
            },
        ),
        "It only stores: the training goes on to epoch 6 in each case. To end it is the work of EarlyStopping.",
        (
            "Go through the epochs one by one, and write down what is in the file after each.",
            "The smallest loss of all, the largest accuracy of all, and the last one.",
        ),
    ),
    8: Exercise(
        choices(
            {"A": "a", "B": "c", "C": "b"},
            {
                "A": {
                    "b": "it pulls at all weights, large ones most; hardly one becomes exactly 0.",
                    "c": "the penalty is a part of the loss. In prediction there is no loss.",
                },
                "B": {
                    "a": "then an answer would depend on which other images are asked for.",
                    "b": "that is dropout. This one still normalizes.",
                },
                "C": {
                    "a": "the highest point of a noisy curve is luck, and more so in a longer training.",
                    "c": "one run of each may be luck, and test images are not there to choose by.",
                },
            },
        ),
        "A penalty on weights, stored averages, and a comparison in which luck can be seen.",
        (
            "A: what was added to the loss? B: what is there to normalize by, if one image comes alone?",
            "C: the small lines in the first figure of “All on one page” are five runs of each.",
        ),
    ),
}

LESSON_05: dict[int, Exercise] = {
    5: Exercise(
        choices(
            {"A": "b", "B": "a", "C": "c"},
            {
                "A": {
                    "a": "the names of the files are not looked at. Each class has a folder of its own.",
                    "c": "no table is read: where a file lies says what it shows.",
                },
                "B": {
                    "b": "all that comes before the cache is kept, and nothing after it.",
                    "c": "the first epoch fills it, and takes as long as without. The others save the reading.",
                },
                "C": {
                    "a": "nothing is kept: in the next epoch all is read again. That would be `cache`.",
                    "b": "the size of a batch stays. Whole batches are made ready beforehand.",
                },
            },
        ),
        "A folder for each class; `cache` saves the reading, and `prefetch` hides it.",
        (
            "Which folders did the lesson show? What did the table of times compare?",
            "`cache` keeps, from the first epoch on. `prefetch` works while the network works.",
        ),
    ),
    6: Exercise(
        numbers(
            {"factor": 0.125, "pixels": 6},
            {
                "factor": {
                    **dict.fromkeys((45, 90, 22.5), "that is in degrees. The factor is a share of a full circle."),
                    12.5: "that is in percent. The factor is a share, from 0 to 1.",
                    **dict.fromkeys(
                        (np.pi / 4, 0.785, 0.7854, 0.79), "that is in radians. The factor is a share of a circle."
                    ),
                    0.25: "that turns by up to 90°. It goes to both sides, by so much to each.",
                    0.0625: "that turns by up to 22.5° to each side, and 45° are wanted to each.",
                    0.5: "that turns by up to 180°.",
                    8: "turn it over: 45° is an eighth of a circle.",
                },
                "pixels": {
                    0.1: "that is the share. How many of 60 pixels?",
                    12: "that is from the one end to the other. It moves by so much to each side.",
                    3: "it moves by up to a tenth to each side, not in all.",
                    54: "that is what stays in the picture.",
                    10: "a tenth of 60 pixels is not 10.",
                },
            },
        ),
        "Factors are shares: of a full circle, and of the size of the image.",
        (
            "RandomRotation(0.05) turned by up to 18° to each side.",
            "The rotation: 45 / 360. The shift: 0.1 × 60 pixels.",
        ),
    ),
    7: Exercise(
        choices(
            {"A": "b", "B": "c", "C": "a", "D": "b"},
            {
                "A": {
                    "a": "beyond that the label is lost, and the network would learn what is wrong.",
                    "c": "weaker ones teach the network little: images would be as they were.",
                },
                "B": {
                    "a": "training images were changed as well; a network may fit them and be worse on others.",
                    "b": "it is the class whose label is lost that suffers. The mean over all may hide it.",
                },
                "C": {
                    "b": "that may have many reasons. Look at what the layers do.",
                    "c": "a layer that is there may be off, or may be on all the time.",
                },
                "D": {
                    "a": "then it would answer to one changed image, and that may be a bad one.",
                    "c": "no weights change in prediction.",
                },
            },
        ),
        "Look, measure, and test: each of the three says something that the others do not.",
        (
            "A: could it happen to a new photograph? B: who gets wrong labels? C: compare calls. D: what is a mean?",
            "B: 6 and 9. C: training=True twice, then predict twice. D: probabilities of several versions.",
        ),
    ),
}
