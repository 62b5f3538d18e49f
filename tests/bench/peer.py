"""The peers of the benchmark: PyTorch, Keras and librosa at the work that our programs do.

usage: python3 peer.py PEER [THREADS [NETWORK]]   answers requests, as serve.h says
       python3 peer.py save MODEL       writes PyTorch's network with random weights
       python3 peer.py answer MODEL     audio on standard input to probabilities, from start to end
       python3 peer.py live MODEL STEP [HZ]   samples of 16 bits as they come, to a line of probabilities every
                                        STEP hops, of a window of 174 frames each
       python3 peer.py smile STEP       the same to mean coefficients, by openSMILE; without a network
       python3 peer.py versions NAME... prints what there is of these packages, or "no: " and what is missing

PEER is torch, compiled (PyTorch in its fastest way), keras or librosa; NETWORK is attention or, of PyTorch, best. First of all it prints a line:
its versions, or "no: " and why it cannot take part.

Requests of those with a network are those of nn.c:
  train THREADS BATCH STEPS    seconds of a training step: the median, after one step to warm up
  infer THREADS BATCH STEPS    seconds of predicting a batch
  check FILE                   takes the parameters in FILE, as nn.c wrote it; answers how many the
                               peer has, a blank, and the largest difference from our probabilities
Requests of librosa, fields with tabs between; the answer is the mean in seconds a file:
  mfcc FILE...                 decode, mix, resample to 22,050 Hz, 40 coefficients in 174 frames
  shift SEMITONES FILE...      decode, mix, resample, shift the pitch
  check FILE NPY               no time, but the largest difference from known coefficients
"""
import math
import os
import sys
import time
import warnings

HZ, ROWS, FRAMES, CLASSES = 22050, 40, 174, 6
PENALTY = 2e-4


# The networks of pipelines/nets for PyTorch, with logits instead of probabilities. Each has its input's shape, the weights
# with a penalty, and its numbers as ours has them, one after the other: views of them with our order of axes, each beside
# whether its axis before the last is a GRU's gates, which PyTorch has in another order.
def torch_attention():
    import torch
    from torch import nn

    def block(channels, filters):
        return [nn.Conv2d(channels, filters, 3), nn.ReLU(),
                nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.MaxPool2d(2), nn.Dropout(0.4)]

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Sequential(*block(1, 32), *block(32, 64), *block(64, 128))
            self.lstm = nn.LSTM(128, 128, batch_first=True)
            self.end = nn.Sequential(nn.Dropout(0.5), nn.Linear(128, CLASSES))
            self.shape = ROWS, FRAMES
            nn.init.zeros_(self.lstm.bias_hh_l0)  # ours has one bias, not two

        def penalised(self):
            return self.lstm.weight_ih_l0, self.end[1].weight

        def numbers(self):
            return [(keras_axes(t), False) for name, t in self.state_dict().items()
                    if t.ndim and not name.endswith("bias_hh_l0")]

        # torch.compile goes around the LSTM. Were that inside a Sequential with all the rest, the
        # rest would be compiled layer by layer, which gains nothing.
        def forward(self, x):
            steps, _ = self.lstm(self.image(x).flatten(2).mT)
            attended = torch.softmax(steps @ steps.mT, dim=2) @ steps
            return self.end(attended.mean(dim=1))

    return Network()


def torch_best():
    import torch
    from torch import nn

    def normal(make, filters):
        return make(filters, eps=1e-3, momentum=0.01)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.shape = 64, 140
            self.register_buffer("mean", torch.zeros(64))
            self.register_buffer("deviation", torch.ones(64))
            self.image = nn.Sequential(
                nn.AvgPool2d(2), nn.Conv2d(1, 48, 3), nn.ReLU(), nn.MaxPool2d(2), normal(nn.BatchNorm2d, 48),
                nn.Conv2d(48, 96, 3), nn.ReLU(), nn.MaxPool2d((2, 1)), normal(nn.BatchNorm2d, 96), nn.Dropout(0.2),
                nn.Conv2d(96, 192, (6, 3)), nn.ReLU())
            self.steps = nn.Sequential(normal(nn.BatchNorm1d, 192), nn.Dropout(0.3))
            self.gru = nn.GRU(192, 96, batch_first=True, bidirectional=True)
            self.hidden = nn.Linear(192, 64)
            self.heads = nn.Linear(64, 4, bias=False)
            self.end = nn.Sequential(nn.Dropout(0.5), nn.Linear(768, CLASSES))

        def penalised(self):
            return ()

        def numbers(self):
            state = self.state_dict()
            plain = [name for name in state if state[name].ndim and not name.startswith("gru")]
            at = plain.index("hidden.weight")
            gru = []
            for name in ("weight_ih", "weight_hh"):
                for way in ("", "_reverse"):
                    w = state[f"gru.{name}_l0{way}"]
                    gru.append((w.view(3, 96, -1).permute(2, 0, 1), True))
            for way in ("", "_reverse"):
                gru += [(state[f"gru.{name}_l0{way}"].view(3, 96), True) for name in ("bias_ih", "bias_hh")]
            others = [(keras_axes(state[name]), False) for name in plain]
            return others[:at] + gru + others[at:]

        def forward(self, x):
            x = self.image((x - self.mean[:, None]) / self.deviation[:, None])
            x, _ = self.gru(self.steps(x.flatten(1, 2)).mT)
            weights = torch.softmax(self.heads(torch.tanh(self.hidden(x))), dim=1)
            return self.end((weights.mT @ x).flatten(1))

    return Network()


def keras_axes(t):
    return t.permute({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[t.ndim])


TORCH = {"attention": torch_attention, "best": torch_best}


def keras_network():
    """The same for Keras, with probabilities."""
    import keras
    from keras import layers
    penalty = keras.regularizers.L2(PENALTY)
    x = image = keras.Input((ROWS, FRAMES, 1))
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(0.4)(x)
    x = layers.Reshape((60, 128))(x)
    x = layers.LSTM(128, return_sequences=True, kernel_regularizer=penalty)(x)
    x = layers.Attention()([x, x])
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(CLASSES, activation="softmax", kernel_regularizer=penalty)(x)
    return keras.Model(image, x)


def median_s(step, steps):
    step()
    taken = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    taken.sort()
    return (taken[(steps - 1) // 2] + taken[steps // 2]) / 2


class Network:
    """A peer with a network: subclasses have trainer(batch) and predictor(batch), which return
    the function that is timed, and parameters(), load(arrays) and probabilities(sample)."""
    shape = ROWS, FRAMES

    def answer(self, request):
        what, rest = request.split(" ", 1)
        if what == "check":
            return "%d %.9g" % self.check(rest)
        threads, batch, steps = map(int, rest.split())
        if threads != self.threads:
            sys.exit(f"peer.py: started for {self.threads} threads, not {threads}")
        step = self.trainer(batch) if what == "train" else self.predictor(batch)
        return "%.9g" % median_s(step, steps)

    def check(self, file):
        import numpy
        ours = numpy.fromfile(file, "f4")
        ends = numpy.array([-CLASSES - math.prod(self.shape), -CLASSES]) + ours.size
        parameters, sample, known = numpy.split(ours, ends)
        shapes = self.parameters()
        count = sum(map(math.prod, shapes))
        if count != parameters.size:
            return count, math.inf
        ends = numpy.cumsum([math.prod(shape) for shape in shapes])[:-1]
        self.load([a.reshape(s) for a, s in zip(numpy.split(parameters, ends), shapes)])
        made = self.probabilities(sample.reshape(self.shape))
        return count, abs(made - known).max()


class Torch(Network):
    fastest = False

    def __init__(self, threads, network="attention"):
        import torch
        self.torch, self.threads = torch, int(threads)
        self.version = "PyTorch " + torch.__version__
        torch.set_num_threads(self.threads)
        torch.manual_seed(1)
        self.net = TORCH[network]()
        self.shape = self.net.shape
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-3, eps=1e-7)
        self.run = self.net

    def parameters(self):
        return [tuple(t.shape) for t, _ in self.net.numbers()]

    def load(self, arrays):
        for (tensor, gates), array in zip(self.net.numbers(), arrays):
            tensor.copy_(self.torch.from_numpy(array[..., [1, 0, 2], :] if gates else array))

    def probabilities(self, sample):
        self.net.eval()
        with self.torch.inference_mode():
            return self.run(self.torch.from_numpy(sample)[None, None]).softmax(1)[0].numpy()

    # With one channel both layouts of the input are the same bytes.
    def samples(self, batch):
        return self.torch.randn(batch, 1, *self.shape)

    def trainer(self, batch):
        x, label = self.samples(batch), self.torch.randint(CLASSES, (batch,))
        self.net.train()

        def step():
            self.adam.zero_grad()
            loss = self.torch.nn.functional.cross_entropy(self.run(x), label)
            for penalised in self.net.penalised():
                loss = loss + PENALTY * penalised.square().sum()
            loss.backward()
            self.adam.step()
        return step

    def predictor(self, batch):
        x = self.samples(batch)
        self.net.eval()

        def step():
            with self.torch.inference_mode():
                return self.run(x).softmax(1)
        return step


class Compiled(Torch):
    """The layout that is faster, and compiled for each size of a batch at its first, untimed step."""

    def __init__(self, *of):
        super().__init__(*of)
        torch = self.torch
        self.net.to(memory_format=torch.channels_last)
        torch._dynamo.config.recompile_limit = 64  # beyond it, it would quietly not compile
        try:
            torch.compile(torch.sin)(torch.ones(64))
        except Exception as e:  # of many kinds
            why = (str(e).strip() or type(e).__name__).splitlines()[0]
            raise ImportError(f"torch.compile: {why}") from e
        self.run = torch.compile(self.net, dynamic=False)


class Keras(Network):
    def __init__(self, threads):
        os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
        import tensorflow
        import keras
        self.tensorflow, self.threads = tensorflow, int(threads)
        self.version = f"Keras {keras.__version__} on TensorFlow {tensorflow.__version__}"
        tensorflow.config.threading.set_intra_op_parallelism_threads(self.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(self.threads)
        keras.utils.set_random_seed(1)
        net = self.net = keras_network()
        net.compile(optimizer=keras.optimizers.Adam(1e-3), loss="sparse_categorical_crossentropy")
        # TensorFlow's compiler, XLA, is faster for one sample, and slower for all else.
        self.run, self.run_one = (
            tensorflow.function(lambda x: net(x, training=False), jit_compile=jit) for jit in (None, True))

    def parameters(self):
        return [w.shape for w in self.net.get_weights()]

    def load(self, arrays):
        self.net.set_weights(arrays)

    def probabilities(self, sample):
        return self.run(self.tensorflow.constant(sample[None, :, :, None]))[0].numpy()

    def samples(self, batch):
        return self.tensorflow.random.normal((batch, ROWS, FRAMES, 1))

    def trainer(self, batch):
        x = self.samples(batch)
        label = self.tensorflow.random.uniform((batch,), maxval=CLASSES, dtype="int32")
        return lambda: self.net.train_on_batch(x, label)

    def predictor(self, batch):
        x = self.samples(batch)
        run = self.run_one if batch == 1 else self.run
        return lambda: run(x).numpy()


def load(file):
    """Like librosa.load, without its search for a decoder."""
    import librosa
    import soundfile
    y, hz = soundfile.read(file, dtype="float32")
    if y.ndim > 1:
        y = y.mean(axis=1)
    return y if hz == HZ else librosa.resample(y, orig_sr=hz, target_sr=HZ)


def features(file):
    import librosa
    m = librosa.feature.mfcc(y=load(file), sr=HZ, n_mfcc=ROWS)[:, :FRAMES]
    return librosa.util.fix_length(m, size=FRAMES, axis=1)


class Librosa:
    def __init__(self):
        import librosa
        import numpy
        import soundfile  # named here so that its absence is noticed at the start
        self.librosa, self.numpy = librosa, numpy
        self.version = "librosa " + librosa.__version__

    def check(self, file, known):
        warnings.simplefilter("ignore")  # of recordings shorter than a window
        known = self.numpy.load(known)
        made = self.librosa.feature.mfcc(y=load(file), sr=HZ, n_mfcc=ROWS)
        return abs(made - known).max() if made.shape == known.shape else float("inf")

    def answer(self, request):
        what, *files = request.split("\t")
        if what == "check":
            return f"{self.check(*files):.9g}"
        by = int(files.pop(0)) if what == "shift" else 0
        start = time.perf_counter()
        for file in files:
            if what == "shift":
                self.librosa.effects.pitch_shift(load(file), sr=HZ, n_steps=by)
            else:
                features(file)
        return f"{(time.perf_counter() - start) / len(files):.9g}"


def serve(peer):
    print(peer.version, flush=True)
    for line in sys.stdin:
        print(peer.answer(line.rstrip("\n")), flush=True)


def answer(model):
    import io
    import torch
    net = torch_attention()
    net.load_state_dict(torch.load(model, weights_only=True))
    net.eval()
    x = torch.from_numpy(features(io.BytesIO(sys.stdin.buffer.read())))
    with torch.inference_mode():
        p = net(x[None, None]).softmax(1)[0]
    print("stdin", int(p.argmax()), *p.tolist(), sep="\t")


def save(model):
    import torch
    torch.save(torch_attention().state_dict(), model)


def pieces():
    """Samples from standard input, as soon as some are there."""
    import numpy
    left = b""
    while piece := os.read(0, 1 << 16):
        piece = left + piece
        left = piece[len(piece) & ~1:]
        yield numpy.frombuffer(piece, "<i2", len(piece) // 2)


def live(model, step, hz=HZ):
    """Window by window with librosa and PyTorch, in one process that stays. Sound at another rate is resampled as it
    comes, by what librosa resamples with."""
    import librosa
    import numpy
    import soxr
    import torch
    torch.set_num_threads(1)
    net = torch_attention()
    net.load_state_dict(torch.load(model, weights_only=True))
    net.eval()
    resample = soxr.ResampleStream(int(hz), HZ, 1, dtype="float32") if int(hz) != HZ else None
    heard, length = numpy.zeros(0, "f4"), 512 * (FRAMES - 1)
    with torch.inference_mode():
        for x in pieces():
            x = x.astype("f4") / 32768
            heard = numpy.concatenate([heard, resample.resample_chunk(x) if resample else x])
            while len(heard) >= length:
                m = librosa.feature.mfcc(y=heard[:length], sr=HZ, n_mfcc=ROWS)
                p = net(torch.from_numpy(m)[None, None]).softmax(1)[0]
                print(int(p.argmax()), *p.tolist(), sep="\t", flush=True)
                heard = heard[512 * int(step):]


SMILE = """
[componentInstances:cComponentManager]
instance[dataMemory].type = cDataMemory
instance[source].type = cExternalAudioSource
instance[frame].type = cFramer
instance[window].type = cWindower
instance[fft].type = cTransformFFT
instance[magnitude].type = cFFTmagphase
instance[mel].type = cMelspec
instance[mfcc].type = cMfcc
instance[mean].type = cFunctionals
instance[sink].type = cExternalSink
[source:cExternalAudioSource]
writer.dmLevel = wave
sampleRate = 22050
nBits = 16
channels = 1
[frame:cFramer]
reader.dmLevel = wave
writer.dmLevel = frames
frameSize = 0.09287982
frameStep = 0.02321995
[window:cWindower]
reader.dmLevel = frames
writer.dmLevel = windows
winFunc = han
[fft:cTransformFFT]
reader.dmLevel = windows
writer.dmLevel = fft
[magnitude:cFFTmagphase]
reader.dmLevel = fft
writer.dmLevel = magnitude
[mel:cMelspec]
reader.dmLevel = magnitude
writer.dmLevel = mel
nBands = 128
hifreq = 11025
[mfcc:cMfcc]
reader.dmLevel = mel
writer.dmLevel = mfcc
firstMfcc = 0
lastMfcc = 39
[mean:cFunctionals]
reader.dmLevel = mfcc
writer.dmLevel = mean
frameMode = fixed
frameSize = %f
frameStep = %f
functionalsEnabled = Means
[sink:cExternalSink]
reader.dmLevel = mean
"""


def smile(step):
    """openSMILE's live extraction: its components run in a thread of their own, and are given what comes."""
    import tempfile
    import threading
    from opensmile.core.lib import OpenSMILE
    engine = OpenSMILE()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(SMILE % (FRAMES * 512 / HZ, int(step) * 512 / HZ))
        file.flush()
        engine.initialize(file.name, {}, loglevel=0)
    engine.external_sink_set_callback("sink", lambda row: print(*row, sep="\t", flush=True))
    run = threading.Thread(target=engine.run)
    run.start()
    for x in pieces():
        for at in range(0, len(x), 220):  # more at once do not fit
            while not engine.external_audio_source_write_data("source", x[at: at + 220].tobytes()):
                time.sleep(0.001)
    engine.external_audio_source_set_eoi("source")
    run.join()


def versions(*names):
    """Of packages that are there, each in the words of its own list."""
    from importlib import import_module, metadata
    try:
        for name in names:
            import_module(name)
        print(", ".join(f"{name} {metadata.version(name)}" for name in names))
    except ImportError as missing:
        print(f"no: {missing}")


PEERS = {"torch": Torch, "compiled": Compiled, "keras": Keras, "librosa": Librosa}

if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role in PEERS:
        try:
            peer = PEERS[role](*rest)
        except ImportError as missing:
            print(f"no: {missing}")
        else:
            serve(peer)
    else:
        {"save": save, "answer": answer, "live": live, "smile": smile, "versions": versions}[role](*rest)
