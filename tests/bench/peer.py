"""The peers of the benchmark: PyTorch and librosa at the work that our tools do.

usage: python3 peer.py torch|librosa    answers requests, as serve.h says; first a line with versions
       python3 peer.py save MODEL       writes the attention network with random weights
       python3 peer.py answer MODEL     audio on standard input to probabilities, from start to end

Requests of torch; the answer is the median of STEPS in seconds, after one step to warm up:
  train THREADS BATCH STEPS LAYOUT    infer THREADS BATCH STEPS LAYOUT
LAYOUT is default, or channels_last, which is the faster here but has to be asked for.
Requests of librosa, fields with tabs between; the answer is the mean in seconds a file:
  mfcc FILE...                 decode, mix, resample to 22,050 Hz, 40 coefficients in 174 frames
  shift SEMITONES FILE...      decode, mix, resample, shift the pitch
  check FILE NPY               no time, but the largest difference from known coefficients
"""
import sys
import time
import warnings

HZ, ROWS, FRAMES, CLASSES = 22050, 40, 174, 6


def network():
    """pipelines/nets/attention.net for PyTorch, logits instead of probabilities."""
    import torch
    from torch import nn

    class Recurrent(nn.Module):
        """LSTM, dot-product attention of its steps to each other, mean over the steps."""

        def __init__(self, width):
            super().__init__()
            self.lstm = nn.LSTM(width, width, batch_first=True)

        def forward(self, image):
            steps, _ = self.lstm(image.flatten(2).mT)
            scores = torch.softmax(steps @ steps.mT, dim=2)
            return (scores @ steps).mean(dim=1)

    def block(channels, filters):
        return [nn.Conv2d(channels, filters, 3), nn.ReLU(),
                nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.MaxPool2d(2), nn.Dropout(0.4)]

    return nn.Sequential(*block(1, 32), *block(32, 64), *block(64, 128),
                         Recurrent(128), nn.Dropout(0.5), nn.Linear(128, CLASSES))


def median_s(step, steps):
    step()
    taken = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    taken.sort()
    return (taken[(steps - 1) // 2] + taken[steps // 2]) / 2


class Torch:
    def __init__(self):
        import torch
        self.torch, self.version = torch, "PyTorch " + torch.__version__
        torch.manual_seed(1)
        self.state = {layout: self.start(layout) for layout in ("default", "channels_last")}

    def start(self, layout):
        net = network()
        if layout == "channels_last":
            net = net.to(memory_format=self.torch.channels_last)
        return net, self.torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)

    def train(self, net, adam, x, label):
        adam.zero_grad()
        loss = self.torch.nn.functional.cross_entropy(net(x), label)
        for penalised in (net[-3].lstm.weight_ih_l0, net[-1].weight):
            loss = loss + 2e-4 * penalised.square().sum()
        loss.backward()
        adam.step()

    def answer(self, request):
        what, threads, batch, steps, layout = request.split()
        self.torch.set_num_threads(int(threads))
        net, adam = self.state[layout]
        # With one channel both layouts of the input are the same bytes.
        x = self.torch.randn(int(batch), 1, ROWS, FRAMES)
        label = self.torch.randint(CLASSES, (int(batch),))
        net.train(what == "train")
        if what == "train":
            return median_s(lambda: self.train(net, adam, x, label), int(steps))
        with self.torch.inference_mode():
            return median_s(lambda: net(x).softmax(1), int(steps))


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
            return self.check(*files)
        by = int(files.pop(0)) if what == "shift" else 0
        start = time.perf_counter()
        for file in files:
            if what == "shift":
                self.librosa.effects.pitch_shift(load(file), sr=HZ, n_steps=by)
            else:
                features(file)
        return (time.perf_counter() - start) / len(files)


def serve(peer):
    print(peer.version, flush=True)
    for line in sys.stdin:
        print(f"{peer.answer(line.rstrip(chr(10))):.9g}", flush=True)


def answer(model):
    import io
    import torch
    net = network()
    net.load_state_dict(torch.load(model, weights_only=True))
    net.eval()
    x = torch.from_numpy(features(io.BytesIO(sys.stdin.buffer.read())))
    with torch.inference_mode():
        p = net(x[None, None]).softmax(1)[0]
    print("stdin", int(p.argmax()), *p.tolist(), sep="\t")


def save(model):
    import torch
    torch.save(network().state_dict(), model)


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    try:
        if role in ("torch", "librosa"):
            serve(Torch() if role == "torch" else Librosa())
        else:
            {"save": save, "answer": answer}[role](*rest)
    except ImportError as missing:
        sys.exit(f"peer.py: {missing}")
