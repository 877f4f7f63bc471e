"""The last exercise of each lesson from 02 on: three questions on earlier lessons, to be answered from memory."""

import textwrap
from typing import NamedTuple

from helpers.exercises.judges import Exercise, choices


class Question(NamedTuple):
    """One question on a lesson; an option is a text if it is right, or a text and why it is wrong."""

    lesson: str
    text: str
    a: str | tuple[str, str]
    b: str | tuple[str, str]
    c: str | tuple[str, str]

    @property
    def right(self) -> str:
        """The letter of the right option."""
        return next(letter for letter in "abc" if isinstance(getattr(self, letter), str))

    @property
    def options(self) -> dict[str, str]:
        """The texts of the options, by their letters."""
        given = {letter: getattr(self, letter) for letter in "abc"}
        return {letter: option if letter == self.right else option[0] for letter, option in given.items()}

    @property
    def wrong(self) -> dict[str, str]:
        """The messages to the wrong options, by their letters."""
        look = f"Look into {named(self.lesson)}."
        return {letter: f"{getattr(self, letter)[1]} {look}" for letter in "abc" if letter != self.right}


def named(lesson: str) -> str:
    """Return how the text calls a lesson: ``lesson 3`` for ``"03"``."""
    return f"lesson {lesson.lstrip('0') or 0}"


def questions(lesson: str) -> dict[str, Question]:
    """Return the questions at the end of a lesson by their names, A to C; raises ValueError if it has none."""
    if lesson not in QUIZZES:
        raise ValueError(f"Lesson {lesson!r} has no quiz. There is one in: {', '.join(QUIZZES)}.")
    return dict(zip("ABC", QUIZZES[lesson], strict=True))


def quiz(lesson: str) -> Exercise:
    """Return the exercise: its answer is a dict of letters, ``{"A": "b", "B": "a", "C": "c"}``."""
    asked = questions(lesson)
    return Exercise(
        choices(
            {name: question.right for name, question in asked.items()},
            {name: question.wrong for name, question in asked.items()},
        ),
        "All three. What you recall yourself stays longer than what you read again.",
        (
            "Which experiment or which picture was that? Try to see it before you look it up.",
            ", ".join(f"{name} is from {named(question.lesson)}" for name, question in asked.items()) + ".",
        ),
    )


def markdown(lesson: str, number: int) -> str:
    """Return the text cell of the exercise, which has that number in its lesson."""
    parts = [
        f"### Exercise {number}: what do you remember?",
        "Three questions on earlier lessons. Answer from memory; if you are wrong, the check says where to look.",
    ]
    for name, question in questions(lesson).items():
        parts.append(_wrapped(f"**{name}** {question.text}"))
        parts.append("\n".join(_wrapped(f"- **{letter}** {text}") for letter, text in question.options.items()))
    return "\n\n".join(parts)


def _wrapped(text: str) -> str:
    indent = "  " if text.startswith("-") else ""
    return textwrap.fill(text, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


QUIZZES: dict[str, tuple[Question, ...]] = {
    "02": (
        Question(
            "00",
            "After a restart of the kernel, a cell stops with `NameError`. What mends it?",
            ("Reload the page in the browser.", "names are kept in the kernel, not in the page, and it was restarted."),
            "Run the cells above it again.",
            ("Restart the kernel once more.", "each restart forgets all names. Only running cells brings them back."),
        ),
        Question(
            "01",
            "A kernel of 5 × 5 goes over an image of 32 × 32, stride 1, no padding. How large is the feature map?",
            ("32 × 32", "without a border of zeros the kernel finds no place around the outermost pixels."),
            ("27 × 27", "that is 32 − 5. The first place counts as well: add 1."),
            "28 × 28",
        ),
        Question(
            "01",
            "The values of a kernel add up to 0. What does it answer on a flat gray wall?",
            "0, however bright the wall is",
            ("the gray of the wall", "that is what a kernel with the sum 1 does. Here gray × 0 is left."),
            ("more, the brighter the wall is", "on a flat wall the answer is gray × sum, and the sum is 0."),
        ),
    ),
    "03": (
        Question(
            "01",
            "A color image goes into a convolution with 8 kernels of 3 × 3. How many feature maps come out?",
            "8",
            ("24", "a kernel is as deep as the image; the sums of its three slices are added up to one map."),
            ("3", "the depth of the image sets how deep each kernel is, not how many maps come out."),
        ),
        Question(
            "02",
            "Why are the answers of the even and the odd Gabor kernel combined into a magnitude?",
            ("It finds stripes of all directions.", "both kernels have the same theta. All directions need a bank."),
            (
                "It makes brightness count nothing.",
                "that takes a kernel with the sum 0; the magnitude does not mend it.",
            ),
            "It says how much of the wave is there, wherever its crests are.",
        ),
        Question(
            "02",
            "You have the gradient of the loss for one weight. Which way does the step go?",
            ("Along the gradient.", "the gradient points to where the loss grows."),
            ("Towards 0.", "the loss says how far the results are from the target, not how large the weights are."),
            "Against the gradient.",
        ),
    ),
    "03b": (
        Question(
            "03",
            "A convolution of 3 × 3 follows a pooling of 2 × 2. How much more of the image does one number see?",
            ("2 pixels", "a step in the pooled map is two pixels of the image."),
            ("3 pixels", "a layer adds its size − 1, times all strides before it."),
            "4 pixels",
        ),
        Question(
            "02",
            "What makes the kernels of a Gabor bank different from those of a trained layer?",
            "A formula sets them, and no image changes them.",
            ("They are larger.", "a first layer can have kernels of 11 × 11, too."),
            ("They answer to edges and stripes.", "so do many learned ones."),
        ),
        Question(
            "01",
            "A digit in the image moves by two pixels. What does its feature map do?",
            ("It stays as it is.", "only what forgets the place, such as a mean over the map, stays the same."),
            "It moves by two pixels.",
            ("It gets weaker.", "the same kernel finds the same patch, two pixels further on."),
        ),
    ),
    "04": (
        Question(
            "01",
            "Why does a convolution need so few weights?",
            "It uses the same kernel at all places.",
            ("It looks at every second place only.", "that is stride 2: fewer places, with as many weights."),
            ("Its kernels look at one channel each.", "a kernel is as deep as its input, with weights for all of it."),
        ),
        Question(
            "01",
            "What does max pooling of 2 × 2 with stride 2 lose?",
            "the exact place of a strong response",
            ("three quarters of the channels", "each channel is pooled by itself, and none is lost."),
            ("the strongest response of each window", "that one is kept, the three others are dropped."),
        ),
        Question(
            "03b",
            "What are the test images for?",
            ("to choose the better one of two networks", "then its score is a bit too good. Validation images choose."),
            "to measure, once, the network that was chosen",
            ("to train on, where training images are few", "what a network learned from says nothing of new images."),
        ),
    ),
    "05": (
        Question(
            "02",
            "The bell of a Gabor kernel gets wider, its frequency stays. What happens?",
            ("Its stripes get wider.", "the frequency sets how wide they are. A wider bell shows more of them."),
            ("It answers to more angles, and is exact about the place.", "on a long way waves get out of step sooner."),
            "It answers to fewer angles, and blurs the place.",
        ),
        Question(
            "04",
            "A network gets 100 images right whose labels were drawn by chance. What does that show?",
            "High accuracy on training images proves nothing.",
            ("The labels had a pattern after all.", "they were drawn by chance. It knows each image by heart."),
            ("It will do well on new images, too.", "there was nothing to understand: on new images it guesses."),
        ),
        Question(
            "03",
            "Where are most of the parameters of a small CNN that has a dense layer after `Flatten`?",
            ("in the first convolution", "it shares a few weights over all pixels, and so it is one of the cheapest."),
            "in the dense layer",
            ("in the pooling layers", "pooling has no parameters at all."),
        ),
    ),
    "06": (
        Question(
            "04",
            "A dropout layer has the rate 0.4. What does it do in prediction?",
            ("It sets 40% of the numbers to 0.", "that is training. In prediction all of the network is used."),
            ("It multiplies all numbers by 0.6.", "what stays is divided by 0.6 in training, which makes up for it."),
            "Nothing.",
        ),
        Question(
            "05",
            "Which augmentation keeps the labels of handwritten digits?",
            "shifts by a few pixels",
            ("flips from left to right", "a mirrored 2 is no digit, and still gets the label 2."),
            ("turns by any angle", "a 6 turned by 180° is a 9, and still gets the label 6."),
        ),
        Question(
            "03",
            "A convolution has 16 kernels of 3 × 3, and its input has 8 channels. How many parameters is that?",
            ("160", "a kernel is as deep as its input: 3 × 3 × 8 weights, not 3 × 3."),
            "1,168",
            ("1,152", "the biases are missing: one for each of the 16 kernels."),
        ),
    ),
    "07": (
        Question(
            "05",
            "A pipeline of images has a `cache`. Where do random changes of the images belong?",
            ("before it", "what comes before `cache` happens once: each epoch then gets the same images again."),
            "after it",
            ("anywhere, as they are random", "drawn before `cache`, they are random once, and the same in each epoch."),
        ),
        Question(
            "06",
            "When is a channel dead?",
            "if it is 0 for every image",
            ("if it is 0 for an image", "it may wake up for the next image. Take all of them."),
            ("if the accuracy stays without it", "then it is not needed: others stand in for it, and it is alive."),
        ),
        Question(
            "03b",
            "The learning rate is far too large. What does the loss do?",
            ("It falls, but slowly.", "that is a rate that is too small."),
            ("It falls faster, to the same value.", "a step that is too long jumps over the valley, and lands higher."),
            "It jumps, or grows.",
        ),
    ),
    "08": (
        Question(
            "06",
            "Without channels that respond to eyes, a network gets worse. What shows whether it needs the eyes?",
            (
                "the images that excite these channels most",
                "they show what these respond to, not what they are good for.",
            ),
            "the same with other channels that are as strong",
            ("nothing more is needed: that is the proof", "perhaps it suffers as much without others: compare."),
        ),
        Question(
            "04",
            "When does `EarlyStopping(patience=3)` end a training?",
            ("after 3 epochs with a higher validation loss than the one before", "compare with the best one so far."),
            ("when the training loss rests for 3 epochs", "that goes on falling while a network learns by heart."),
            "after 3 epochs without a new smallest validation loss",
        ),
        Question(
            "07",
            "A heat map lies on a stamp in the corner. What proves that the network needs the stamp?",
            "Cover the stamp, and see what it answers then.",
            ("Its high accuracy on validation images.", "they have the same stamps, and so the same flaw."),
            ("A second kind of heat map, with the same result.", "maps raise a suspicion, and can err together."),
        ),
    ),
    "09": (
        Question(
            "08",
            "A layer of batch normalization has `trainable = False`. What does it do while the model trains?",
            ("It normalizes by each batch.", "one that is not frozen does that, and its stored numbers drift."),
            "It uses its stored mean and variance, and keeps them.",
            ("It passes all numbers on unchanged.", "that is dropout in prediction. This one still normalizes."),
        ),
        Question(
            "05",
            "MixUp adds 70% of an owl to 30% of a fox. What is the label?",
            ("owl", "then 30% of a fox is called owl, too. The labels are mixed like the images."),
            ("a new class", "the network has as many outputs as before, and the label is a probability for each."),
            "70% owl, 30% fox",
        ),
        Question(
            "01",
            "A kernel of 3 × 3 goes over a map of 15 × 15, with stride 2 and padding 1. How large is the result?",
            ("7 × 7", "that is without padding: 2 · 1 pixels are missing."),
            "8 × 8",
            ("15 × 15", "padding 1 keeps the size with stride 1. Here every second place is left out."),
        ),
    ),
    "10": (
        Question(
            "09",
            "Why can networks with skip connections be so deep?",
            ("They have fewer weights, and so they overfit less.", "plain deep ones do worse even in training."),
            (
                "They leave out blocks that an image does not need, so that fewer have to learn.",
                "all blocks are computed; what came in is added to them.",
            ),
            "Each block adds to what came in, so that signals have a way around it.",
        ),
        Question(
            "07",
            "By what does Grad-CAM multiply each map before it adds them up?",
            ("the mean of the map", "how strong a map is does not say whether it speaks for the class."),
            "the mean of its gradient",
            ("its gradient, pixel by pixel", "one weight for each map: the mean over all its places."),
        ),
        Question(
            "06",
            "Gradient ascent draws what a channel likes best. What changes from step to step?",
            "the pixels of the image",
            ("the weights of the channel", "then it would be another channel. The network stays as it is."),
            ("the label", "no label is needed: what grows is the activation of the channel."),
        ),
    ),
    "10b": (
        Question(
            "10",
            "A network with ten classes knows nothing yet. Near what should its first loss be?",
            ("0.1", "that is the probability of each class; the loss is minus its logarithm."),
            ("0", "that is the loss of a network that is sure and right."),
            "2.3",
        ),
        Question(
            "08",
            "In which order do you fine-tune a trained network with a new head?",
            "first the head alone, then the layers below it at a low rate",
            (
                "all layers at once, at the rate of a new network",
                "the gradients of an untrained head destroy what the base knows.",
            ),
            (
                "first the lowest layers, since all others build on them, then the head",
                "edges and colors are of use anyway; the head knows nothing yet.",
            ),
        ),
        Question(
            "04",
            "Network A is two points better than network B, in one run of each. What follows?",
            ("A is better, as both had the same images.", "the start is luck, too: runs of a network differ as much."),
            "Nothing yet: repeat both with several seeds.",
            ("Nothing yet: train both for longer.", "that is still one run of each, and luck does not get smaller."),
        ),
    ),
    "11": (
        Question(
            "10b",
            "Adam did well at a rate of 0.001. Now you take SGD. Which rate?",
            ("0.001, since network and images are the same", "each rule makes another step of the same gradient."),
            "one that you find by trying a few",
            ("none: SGD finds its own", "only Adam divides by the size of the gradients; SGD takes them as they are."),
        ),
        Question(
            "05",
            "Which images are shifted and mirrored at random while a network trains?",
            "the training images",
            (
                "the training and the validation images, so that they are alike",
                "those that judge stay as they are: else each look judges by other images.",
            ),
            ("all, so that there are more", "more images to learn from, yes; those that judge stay as they are."),
        ),
        Question(
            "09",
            "A convolution gets half as many channels, and makes half as many. What becomes of its multiply-adds?",
            ("a half", "channels in and channels out are multiplied with each other."),
            ("an eighth", "the places and the size of the kernel stay as they were."),
            "a quarter",
        ),
    ),
    "11b": (
        Question(
            "11",
            "You tried 20 settings. Which accuracy do you report?",
            ("the best of the 20 on the test images", "the luckiest of 20: the test would have chosen it."),
            ("that of the chosen one on the validation images", "they have chosen it, and so they flatter it."),
            "that of the chosen one on the test images, after one look",
        ),
        Question(
            "04",
            "Training accuracy is 99%, validation accuracy stands at 70%. What helps most?",
            "more images",
            ("more epochs", "there is nothing left to learn from these images: they are known by heart."),
            ("more channels", "then it learns by heart even more easily."),
        ),
        Question(
            "03b",
            "Ten classes. After three epochs 10% are right, and the loss is nan. What do you try first?",
            ("a larger network", "a loss that does not fall seldom comes from a network that is too small."),
            "a tenth of the rate",
            ("thirty epochs", "steps that are too long do not get better by being more."),
        ),
    ),
}
"""The quizzes by the lesson that ends with them."""
