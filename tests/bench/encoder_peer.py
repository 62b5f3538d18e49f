"""The peers of the benchmark of pretrained encoders, on the weights that ser-embed has, too.

usage: python3 encoder_peer.py prepare ENGINE FOLDER FILE    writes what the two below load
       python3 encoder_peer.py serve ENGINE FILE THREADS     answers requests, as serve.h says
       python3 encoder_peer.py start ENGINE FILE THREADS SECONDS
                                 from the start of Python to the last hidden state

ENGINE is torch, onnxruntime or ctranslate2; FILE is named whisper.ENGINE or hubert.ENGINE. The answer of prepare is
a version, or "no: " and why the engine cannot take part. Requests of serve:
  hear SECONDS STEPS      the median time, after one step to warm up
  check FILE              the largest difference from our last hidden state, beside the largest value of that;
                          FILE is as encoder.c wrote it
What goes in is what our network is given: samples, or the log-mel of Whisper, which is not timed here.
"""
import os
import sys
import time
import warnings

PER_SECOND = {"hubert": 16000, "whisper": 100}


def whisper(folder):
    """The encoder alone. That of transformers insists on 30 s; this one takes what it is given."""
    import torch
    from safetensors.torch import load_file
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    class Any(torch.nn.Module):
        def __init__(self, encoder):
            super().__init__()
            self.encoder = encoder

        def forward(self, mel):
            e, gelu = self.encoder, torch.nn.functional.gelu
            h = gelu(e.conv2(gelu(e.conv1(mel.transpose(1, 2))))).transpose(1, 2)
            h = h + e.embed_positions.weight[:h.shape[1]]
            for layer in e.layers:
                h = layer(h, None)
                h = h[0] if isinstance(h, tuple) else h
            return e.layer_norm(h)

    net = WhisperEncoder(WhisperConfig.from_pretrained(folder))
    weights = load_file(os.path.join(folder, "model.safetensors"))
    net.load_state_dict({k.split("encoder.", 1)[-1]: v.float() for k, v in weights.items()})
    return Any(net).eval()


def hubert(folder):
    import torch
    from transformers import HubertModel

    class Last(torch.nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x).last_hidden_state

    return Last(HubertModel.from_pretrained(folder)).eval()


def kind_of(file):
    return os.path.basename(file).split(".")[0]


def prepare_torch(folder, file, kind):
    import torch
    import transformers  # named here so that its absence is noticed
    os.symlink(os.path.abspath(folder), file)
    return f"transformers {transformers.__version__}, PyTorch " + torch.__version__


def prepare_onnxruntime(folder, file, kind):
    import onnxruntime
    import torch
    net = globals()[kind](folder)
    x = torch.zeros(1, 410, 80) if kind == "whisper" else torch.zeros(1, 16000)
    torch.onnx.export(net, (x,), file, dynamo=False, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {1: "n"}, "y": {1: "t"}}, opset_version=17)
    return "ONNX Runtime " + onnxruntime.__version__


def prepare_ctranslate2(folder, file, kind):
    """It has no Whisper without a decoder: that gets random numbers, and is never asked."""
    if kind != "whisper":
        raise ImportError("it has no " + kind)
    import ctranslate2
    from ctranslate2.converters.transformers import WhisperLoader
    from transformers import WhisperConfig, WhisperForConditionalGeneration
    config = WhisperConfig.from_pretrained(folder, decoder_layers=1, decoder_ffn_dim=64)
    net = WhisperForConditionalGeneration(config).eval()
    net.model.encoder.load_state_dict(whisper(folder).encoder.state_dict())
    spec = WhisperLoader().get_model_spec(net)
    spec.register_vocabulary([f"t{i}" for i in range(config.vocab_size)])
    spec.config.suppress_ids = spec.config.suppress_ids_begin = spec.config.lang_ids = []
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.optimize()
    os.makedirs(file)
    spec.save(file)
    return "CTranslate2 " + ctranslate2.__version__


def run_torch(file, threads):
    import torch
    torch.set_num_threads(threads)
    net = globals()[kind_of(file)](file)

    def run(x):
        with torch.inference_mode():
            return net(torch.from_numpy(x)).numpy()
    return run


def run_onnxruntime(file, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options)
    return lambda x: session.run(None, {"x": x})[0]


def run_ctranslate2(file, threads):
    import ctranslate2
    import numpy
    net = ctranslate2.models.Whisper(file, device="cpu", compute_type="float32", intra_threads=threads)

    def run(x):
        mel = numpy.ascontiguousarray(x.swapaxes(1, 2))
        return numpy.array(net.encode(ctranslate2.StorageView.from_array(mel)))
    return run


def random_input(kind, seconds):
    import numpy
    n = PER_SECOND[kind] * seconds
    # Ours hears 0.1 s of zeros behind a clip, up to 30 s.
    shape = (1, min(n + 10, 3000), 80) if kind == "whisper" else (1, n)
    return numpy.random.default_rng(1).standard_normal(shape, dtype="f4")


def check(run, kind, file):
    """FILE: rows, columns of input and output, then both."""
    import numpy
    raw = numpy.fromfile(file, "f4")
    rows, columns, frames, width = raw[:4].astype(int)
    x, known = numpy.split(raw[4:], [rows * columns])
    x = x.reshape((1, rows, columns) if kind == "whisper" else (1, rows))
    known = known.reshape(frames, width)
    return "%.9g %.9g" % (abs(run(x)[0, :frames] - known).max(), abs(known).max())


def serve(engine, file, threads):
    kind = kind_of(file)
    run = globals()["run_" + engine](file, threads)
    print("ready", flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        if what == "check":
            print(check(run, kind, *rest), flush=True)
            continue
        x, steps, taken = random_input(kind, int(rest[0])), int(rest[1]), []
        run(x)
        for _ in range(steps):
            begin = time.perf_counter()
            run(x)
            taken.append(time.perf_counter() - begin)
        taken.sort()
        print("%.9g" % ((taken[(steps - 1) // 2] + taken[steps // 2]) / 2), flush=True)


def start(engine, file, threads, seconds):
    run = globals()["run_" + engine](file, threads)
    print(run(random_input(kind_of(file), seconds)).shape)


if __name__ == "__main__":
    role, engine, *rest = sys.argv[1:]
    if role == "prepare":
        folder, file = rest
        warnings.simplefilter("ignore")  # of ways to export that will go, and of constants in them
        try:
            print(globals()["prepare_" + engine](folder, file, kind_of(file)))
        except ImportError as missing:
            print(f"no: {missing}")
    elif role == "serve":
        serve(engine, rest[0], int(rest[1]))
    else:
        start(engine, rest[0], int(rest[1]), int(rest[2]))
