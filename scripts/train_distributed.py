"""Train one network with several processes: `.venv/bin/python scripts/train_distributed.py --folder ~/two-workers`.

The network is that of lesson 10, with fewer filters and no dropout; steps have momentum. Without TF_CONFIG in the
environment this program is the launcher: it starts itself as workers on this machine, ends all when one of them fails,
and starts all again from the last checkpoint. With TF_CONFIG, as a cluster sets it, it is one worker. All of it:
docs/many_machines.md.

In the folder there are then settings.json, checkpoints/, what the workers said (worker-0.txt, …), and weights.npz.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from helpers.datasets import load_dataset
from helpers.files import written_whole

import numpy as np

WIDTHS = (8, 16, 64)  # of both convolutions and the dense layer, where the network of lesson 10 has 32, 64 and 1024
RATE, MOMENTUM = 0.03, 0.9

# --- which images belong to a step: of the step, the seed and the number of workers alone ---


@lru_cache(maxsize=2)
def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the numbers of ``count`` images, shuffled for an epoch (from 0)."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def rows_of(step: int, seed: int, count: int, batch: int, worker: int = 0, workers: int = 1) -> np.ndarray:
    """Return which of ``count`` images a worker gets in a step (both from 0): its equal share of the global batch.

    The global batch is the same for each number of workers. What is left at the end of an epoch is not used in it.
    """
    epoch, place = divmod(step, count // batch)
    return order(seed, epoch, count)[place * batch : (place + 1) * batch].reshape(workers, -1)[worker]


# --- the worker ---


def train(options, dataset) -> None:
    """Be one worker: train from the last checkpoint on. The first worker, the chief, also writes the weights."""
    from helpers.engine import tf  # not above: it takes seconds, and the launcher does not need it
    from helpers.raw_tensorflow import accuracy, network, new_weights, weight_shapes

    images, labels = dataset.train.images.astype("float32") / 255, dataset.train.labels.astype("int32")
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    replicas, chief = strategy.num_replicas_in_sync, strategy.extended.should_checkpoint
    if options.batch % replicas or not options.batch <= len(images):
        raise ValueError(f"--batch {options.batch} must be a multiple of {replicas}, and at most {len(images)}.")
    shapes = weight_shapes(dataset.image_shape, len(dataset.class_names), WIDTHS)
    with strategy.scope():
        weights = new_weights(shapes, options.seed)
        velocities = {name: tf.Variable(tf.zeros(shape)) for name, shape in shapes.items()}
    done = tf.Variable(0, dtype=tf.int64)  # steps

    checkpoint = tf.train.Checkpoint(done=done, weights=weights, velocities=velocities)
    folder = options.folder / "checkpoints"
    if latest := tf.train.latest_checkpoint(folder):
        checkpoint.restore(latest).assert_consumed()
    first = int(done)
    say = print if chief else lambda *_, **__: None
    say(f"  training from step {first + 1}" if first < options.steps else f"  step {first} is done", flush=True)
    others = options.folder / "others" / str(strategy.cluster_resolver.task_id)
    manager = tf.train.CheckpointManager(checkpoint, folder if chief else others, max_to_keep=2)

    def batches(context):
        """Return a dataset for this worker, with an element per step and replica: one on each of its GPUs."""
        place = context.input_pipeline_id, context.num_input_pipelines
        steps = range(first, options.steps)
        rows = [rows_of(step, options.seed, len(images), options.batch, *place) for step in steps]
        parts = tf.data.Dataset.from_tensor_slices(np.reshape(rows, (-1, options.batch // replicas)))
        pairs = parts.map(lambda part: (tf.gather(images, part), tf.gather(labels, part)))
        return pairs.repeat().prefetch(2)  # if it had an end, the workers would ask each other for it in each step

    def descend(velocity, gradient, weight):
        velocity.assign(MOMENTUM * velocity + gradient)
        weight.assign_sub(RATE * velocity)

    def update(strategy, gradients):
        for name, gradient in gradients.items():
            strategy.extended.update(velocities[name], descend, args=(gradient, weights[name]))

    def replica_step(images, labels):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(images, weights))
            loss = tf.reduce_sum(losses) / options.batch  # the global batch: the sum over all workers is the mean
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, tape.gradient(loss, weights))
        context.merge_call(update, args=(gradients,))
        return loss

    @tf.function
    def step_of_all(images, labels):
        losses = strategy.run(replica_step, args=(images, labels))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    parts = iter(strategy.distribute_datasets_from_function(batches)) if first < options.steps else None
    for step in range(first + 1, options.steps + 1):
        loss = step_of_all(*next(parts))
        if step % options.every == 0 or step == options.steps:
            done.assign(step)
            manager.save()  # by all, as TensorFlow wants it; only what the chief saves is read
            say(f"  step {step} of {options.steps}: loss {float(loss):.4f}, saved", flush=True)
    if chief:
        with written_whole(options.folder / "weights.npz") as partial:
            np.savez(partial, **{name: weight.numpy() for name, weight in weights.items()})
        share = accuracy(dataset.test.images.astype("float32") / 255, dataset.test.labels, weights)
        say(f"  test accuracy {share:.4f}", flush=True)


def end_with_launcher() -> None:
    """End this process when the launcher has ended, however it did: its end of the pipe is closed then."""
    os.read(0, 1)
    os._exit(1)


# --- the launcher ---


def free_addresses(number: int) -> list[str]:
    """Return addresses of this machine with ports that nobody listens on."""
    with ExitStack() as stack:  # all open at once, so that no two are the same
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def start_worker(index: int, addresses: list[str], folder: Path, arguments: list[str]) -> subprocess.Popen:
    """Start this program as a worker; what it writes to stderr goes to a file in the folder."""
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    threads = max(1, (os.cpu_count() or 1) // len(addresses))
    environment = {"TF_NUM_INTRAOP_THREADS": str(threads), **os.environ, "TF_CONFIG": json.dumps(config)}
    command = [sys.executable, __file__, *arguments, "--attached"]
    with open(folder / f"worker-{index}.txt", "ab") as said:
        return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=said)


def run_once(options, arguments: list[str]) -> list[str]:
    """Start all workers and wait for them. Once one fails, end all; return what happened, nothing if all is well."""
    addresses, workers = free_addresses(options.workers), []
    try:
        for index in range(options.workers):
            workers.append(start_worker(index, addresses, options.folder, arguments))
        print("started", ", ".join(f"worker {n} as process {one.pid}" for n, one in enumerate(workers)), flush=True)
        while any([one.poll() is None for one in workers]) and not any(one.returncode for one in workers):
            time.sleep(0.1)
        return [how_it_ended(n, one, options.folder) for n, one in enumerate(workers) if one.returncode]
    finally:
        for one in workers:
            one.kill()  # one that waits for the others in an all-reduce would not hear anything gentler
        for one in workers:
            one.wait()


def how_it_ended(index: int, worker: subprocess.Popen, folder: Path) -> str:
    """Return a sentence on a worker that failed, and the last lines that it wrote, if it was not killed."""
    name = f"worker {index} (process {worker.pid})"
    if worker.returncode < 0:
        return f"{name} was killed by {signal.Signals(-worker.returncode).name}"
    path = folder / f"worker-{index}.txt"
    last = path.read_text(encoding="utf-8", errors="replace").splitlines()[-4:]
    return "\n".join([f"{name} ended with status {worker.returncode}; the end of {path}:", *(f"    {x}" for x in last)])


def launch(options, arguments: list[str]) -> int:
    """Run workers until all have ended well, or too many runs have failed; return the exit status."""
    for restart in range(options.restarts + 1):
        if restart:
            print(f"restart {restart} of {options.restarts}, from the last checkpoint", flush=True)
        failures = run_once(options, arguments)
        if not failures:
            print(f"done: {options.folder / 'weights.npz'}", flush=True)
            return 0
        print(*failures, "all workers are ended", sep="\n", flush=True)
    print(f"giving up after {options.restarts} restarts", flush=True)
    return 1


# --- both ---


def read_options(arguments: list[str]) -> argparse.Namespace:
    """Return the options; end with a message if they do not fit each other, or the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where all is written; the same for all workers")
    parser.add_argument("--workers", type=int, default=2, help="processes on this machine (2); TF_CONFIG overrules it")
    parser.add_argument("--restarts", type=int, default=3, help="how often all are started again (3)")
    parser.add_argument("--steps", type=int, default=200, help="steps in all (200)")
    parser.add_argument("--batch", type=int, default=64, help="images a step, of all workers together (64)")
    parser.add_argument("--every", type=int, default=20, help="steps from checkpoint to checkpoint (20)")
    parser.add_argument("--seed", type=int, default=0, help="for the first weights and the order of images (0)")
    parser.add_argument("--dataset", default="digits", help="a built-in or public dataset, or a folder (digits)")
    parser.add_argument("--attached", action="store_true", help="end when stdin is closed; the launcher says so")
    options = parser.parse_args(arguments)
    if sys.platform == "win32":
        parser.error("this is for Linux and macOS, and was not tried on Windows: use WSL 2 there.")
    if min(options.workers, options.steps, options.batch, options.every) < 1 or min(options.restarts, options.seed) < 0:
        parser.error("--workers, --steps, --batch and --every start at 1, --restarts and --seed at 0.")
    if options.batch % options.workers and not os.environ.get("TF_CONFIG"):
        parser.error(f"--batch {options.batch} cannot be shared equally by {options.workers} workers.")
    now = {name: getattr(options, name) for name in ("dataset", "seed", "batch")}
    path = options.folder / "settings.json"
    if path.exists() and (before := json.loads(path.read_text())) != now:
        parser.error(f"{options.folder} holds a training with {before}, not {now}: name another folder.")
    with written_whole(path) as partial:
        partial.write_text(json.dumps(now))
    return options


def main(arguments: list[str]) -> int:
    """Be a worker or the launcher; return the exit status."""
    options = read_options(arguments)
    if os.environ.get("TF_CONFIG"):
        if options.attached:
            threading.Thread(target=end_with_launcher, daemon=True).start()
        train(options, load_dataset(options.dataset))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all workers are ended
    try:
        return launch(options, arguments)
    except KeyboardInterrupt:
        print("stopped, and ended all workers; the same command goes on from the last checkpoint")
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
