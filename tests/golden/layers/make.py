"""Makes layers.txt: what PyTorch computes of small networks, for tests/unit/test_layers.c.

usage: make.py >layers.txt          (made with PyTorch 2.15, double precision)

Each case:
  case NAME ROWS FRAMES CLASSES BATCH
  text LINE                         of the network
  KIND NAME N then N numbers        x, label, logits; param, gradient of a parameter of ours; of a
                                    masked network frames: the true ones of each sample
  end
"""
import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
B, K = 3, 3


class Case:
    """Collects parameters in our layout while PyTorch computes with them."""

    def __init__(self, name, rows, frames, lines):
        self.name, self.rows, self.frames, self.lines = name, rows, frames, lines
        self.params, self.count = [], {}
        self.x = torch.randn(B, rows, frames)
        self.true = None

    def layer(self, kind):
        self.count[kind] = self.count.get(kind, 0) + 1
        return f"{kind}{self.count[kind]}"

    def param(self, name, *shape, scale=0.5, shift=0.0):
        p = (torch.randn(*shape) * scale + shift).requires_grad_()
        self.params.append((name, p))
        return p

    def write(self, logits):
        label = torch.arange(B) % K
        loss = F.cross_entropy(logits, label)
        loss.backward()
        print("case", self.name, self.rows, self.frames, K, B)
        for line in self.lines:
            print("text", line)
        put("x", "x", self.x)
        put("label", "label", label)
        if self.true:
            put("frames", "frames", torch.tensor(self.true))
        put("logits", "logits", logits)
        for name, p in self.params:
            put("param", name, p)
            if p.grad is not None:
                put("gradient", name, p.grad)
        print("end")


def put(kind, name, t):
    v = t.detach().reshape(-1).tolist()
    print(kind, name, len(v), *("%.8g" % x for x in v))


def dense(c, x, units=K):
    n = c.layer("dense")
    w, b = c.param(n + ".w", x.shape[1], units), c.param(n + ".b", units)
    return x @ w + b


def image(c):  # [B,C,H,W]
    return c.x[:, None]


def flat(x):  # of an image, our order: rows, frames, channels
    return x.permute(0, 2, 3, 1).reshape(B, -1)


def conv(c, x, filters, kh, kw, stride=(1, 1), pad=(0, 0, 0, 0), groups=1, kind="conv"):
    """pad: left, right, top, bottom."""
    n = c.layer(kind)
    w = c.param(n + ".w", kh, kw, x.shape[1] // groups, filters)
    b = c.param(n + ".b", filters)
    return F.conv2d(F.pad(x, pad), w.permute(3, 2, 0, 1), b, stride=stride, groups=groups)


def depthwise(c, x, kh, kw, stride=(1, 1), pad=(0, 0, 0, 0)):
    n = c.layer("depthwise")
    C = x.shape[1]
    w, b = c.param(n + ".w", kh, kw, C), c.param(n + ".b", C)
    return F.conv2d(F.pad(x, pad), w.permute(2, 0, 1)[:, None], b, stride=stride, groups=C)


def conv1d(c, x, filters, size, stride=1, pad=(0, 0), groups=1):  # x [B,T,C]
    n = c.layer("conv1d")
    w = c.param(n + ".w", size, x.shape[2] // groups, filters)
    b = c.param(n + ".b", filters)
    y = F.conv1d(F.pad(x.transpose(1, 2), pad), w.permute(2, 1, 0), b, stride=stride, groups=groups)
    return y.transpose(1, 2)


def steps(x):  # timemajor
    n, C, H, W = x.shape
    return x.permute(0, 3, 2, 1).reshape(n, W, H * C)


def gru(c, x, U, both):
    kind = "bigru" if both else "gru"
    n = c.layer(kind)
    D, C = 2 if both else 1, x.shape[2]
    w, u, b = c.param(n + ".w", D, C, 3 * U), c.param(n + ".u", D, U, 3 * U), c.param(n + ".b", D, 2, 3 * U)
    out = []
    for d in range(D):
        # ours: z, r, n; PyTorch's: r, z, n
        turn = lambda v: torch.cat([v[..., U:2 * U], v[..., :U], v[..., 2 * U:]], -1)
        weights = [turn(w[d]).T, turn(u[d]).T, turn(b[d, 0]), turn(b[d, 1])]
        cell = torch.nn.GRU(C, U, batch_first=True)
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        y, _ = torch.func.functional_call(cell, dict(zip(names, weights)), (x.flip(1) if d else x,))
        out.append(y.flip(1) if d else y)
    return torch.cat(out, 2)


def bilstm(c, x, U):
    n = c.layer("bilstm")
    C = x.shape[2]
    w, u, b = c.param(n + ".w", 2, C, 4 * U), c.param(n + ".u", 2, U, 4 * U), c.param(n + ".b", 2, 4 * U)
    out = []
    for d in range(2):
        cell = torch.nn.LSTM(C, U, batch_first=True)
        weights = [w[d].T, u[d].T, b[d], torch.zeros(4 * U)]
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        y, _ = torch.func.functional_call(cell, dict(zip(names, weights)), (x.flip(1) if d else x,))
        out.append(y.flip(1) if d else y)
    return torch.cat(out, 2)


def layernorm(c, x):  # channels last
    n = c.layer("layernorm")
    C = x.shape[-1]
    g, b = c.param(n + ".gamma", C, shift=1.0), c.param(n + ".beta", C)
    return F.layer_norm(x, (C,), g, b, eps=1e-5)


def attention(c, x, heads, A, kind):
    n = c.layer(kind)
    w, b, v = c.param(n + ".w", x.shape[2], A), c.param(n + ".b", A), c.param(n + ".v", A, heads)
    a = torch.softmax(torch.tanh(x @ w + b) @ v, 1)  # [B,T,H]
    return a, a.transpose(1, 2) @ x  # [B,H,C]


def case_conv_same():
    c = Case("conv-same", 5, 7, ["conv 4 3x4 same relu", "conv 3 2x3 same", "reshape 105", "dense classes"])
    x = F.relu(conv(c, image(c), 4, 3, 4, pad=(1, 2, 1, 1)))
    x = conv(c, x, 3, 2, 3, pad=(1, 1, 0, 1))
    c.write(dense(c, flat(x)))


def case_conv_stride():
    c = Case("conv-stride", 9, 12, ["conv 4 3x3 stride=2x3 relu", "conv 6 3x2 same stride=2x2", "reshape 24", "dense classes"])
    x = F.relu(conv(c, image(c), 4, 3, 3, stride=(2, 3)))  # 4 x 4
    x = conv(c, x, 6, 3, 2, stride=(2, 2), pad=(0, 0, 0, 1))  # 2 x 2
    c.write(dense(c, flat(x)))


def case_groups():
    c = Case("conv-groups", 6, 8, ["conv 6 2x2", "conv 9 3x3 same groups=3 relu", "depthwise 3x3 same relu", "depthwise 2x3 stride=2x2", "reshape 54", "dense classes"])
    x = conv(c, image(c), 6, 2, 2)  # 5 x 7
    x = F.relu(conv(c, x, 9, 3, 3, pad=(1, 1, 1, 1), groups=3))
    x = F.relu(depthwise(c, x, 3, 3, pad=(1, 1, 1, 1)))
    x = depthwise(c, x, 2, 3, stride=(2, 2))  # 2 x 3
    c.write(dense(c, flat(x)))


def case_pools():
    c = Case("pools", 7, 9, ["conv 4 2x2", "avgpool 2x3", "tanh", "conv 3 2x1", "gelu", "globalpool", "dense classes"])
    x = conv(c, image(c), 4, 2, 2)  # 6 x 8
    x = torch.tanh(F.avg_pool2d(x, (2, 3)))  # 3 x 2
    x = F.gelu(conv(c, x, 3, 2, 1))
    c.write(dense(c, x.mean((2, 3))))


def case_sequence():
    c = Case("sequence", 6, 10, ["conv 3 2x2", "timemajor", "conv1d 6 3 same relu", "elu", "conv1d 4 3 stride=2 groups=2", "leaky 0.2", "depthwise 2", "layernorm", "globalpool", "leaky", "dense classes"])
    x = steps(conv(c, image(c), 3, 2, 2))  # 9 steps of 15
    x = F.elu(F.relu(conv1d(c, x, 6, 3, pad=(1, 1))))
    x = F.leaky_relu(conv1d(c, x, 4, 3, stride=2, groups=2), 0.2)  # 4 steps
    n = c.layer("depthwise")
    w, b = c.param(n + ".w", 2, 1, 4), c.param(n + ".b", 4)
    x = F.conv1d(x.transpose(1, 2), w.permute(2, 1, 0), b, groups=4).transpose(1, 2)
    x = layernorm(c, x)
    c.write(dense(c, F.leaky_relu(x.mean(1), 0.01)))


def case_norms():
    c = Case("layernorm", 5, 6, ["conv 7 2x2", "layernorm", "relu", "reshape 140", "layernorm", "dense classes"])
    x = layernorm(c, conv(c, image(c), 7, 2, 2).permute(0, 2, 3, 1))
    x = layernorm(c, F.relu(x).reshape(B, -1))
    c.write(dense(c, x))


def case_gru():
    c = Case("gru", 4, 7, ["conv 2 1x1", "timemajor", "gru 5", "gru 3", "last", "dense classes"])
    x = gru(c, steps(conv(c, image(c), 2, 1, 1)), 5, False)
    c.write(dense(c, gru(c, x, 3, False)[:, -1]))


def case_bigru():
    c = Case("bigru", 4, 6, ["conv 2 1x1", "timemajor", "bigru 4", "dropout 0.5", "last", "dense classes"])
    x = gru(c, steps(conv(c, image(c), 2, 1, 1)), 4, True)
    c.write(dense(c, torch.cat([x[:, -1, :4], x[:, 0, 4:]], 1)))


def case_bilstm_last():
    c = Case("bilstm-last", 4, 6, ["conv 2 1x1", "timemajor", "bilstm 3", "last", "dense classes"])
    x = bilstm(c, steps(conv(c, image(c), 2, 1, 1)), 3)
    c.write(dense(c, torch.cat([x[:, -1, :3], x[:, 0, 3:]], 1)))


def case_attend():
    c = Case("attend", 4, 8, ["conv 3 1x2", "timemajor", "attend 2 units=5", "dense classes"])
    x = steps(conv(c, image(c), 3, 1, 2))
    c.write(dense(c, attention(c, x, 2, 5, "attend")[1].reshape(B, -1)))


def case_stats():
    c = Case("attentivestats", 4, 8, ["conv 3 1x2", "timemajor", "attentivestats units=6", "dense classes"])
    x = steps(conv(c, image(c), 3, 1, 2))
    a, mean = attention(c, x, 1, 6, "attentivestats")
    dev = torch.sqrt((a * (x - mean) ** 2).sum(1) + 1e-5)
    c.write(dense(c, torch.cat([mean[:, 0], dev], 1)))


def layersum(c, x):  # [B,L,...]
    w = torch.softmax(c.param(c.layer("layersum") + ".w", x.shape[1]), 0)
    return torch.einsum("bl...,l->b...", x, w)


def case_layersum():
    c = Case("layersum", 5, 7, ["conv 3 2x2", "layersum", "gru 4", "last", "dense classes"])
    x = layersum(c, conv(c, image(c), 3, 2, 2).permute(0, 2, 3, 1))  # 4 layers of 6 steps
    c.write(dense(c, gru(c, x, 4, False)[:, -1]))


def case_layersum_vector():
    c = Case("layersum-vector", 5, 7, ["reshape 5x7", "layersum", "dense classes"])
    c.write(dense(c, layersum(c, c.x)))


def project(c, marked, C, stride):
    n = c.layer("add")
    w, b = c.param(n + ".w", marked.shape[1], C), c.param(n + ".b", C)
    return F.conv2d(marked, w.T[:, :, None, None], b, stride=stride)


def case_residual():
    c = Case("residual", 7, 9, ["conv 4 2x2", "mark a", "conv 4 3x3 same relu", "mark b", "conv 4 3x3 same", "add a", "relu", "conv 6 3x3 same stride=2x2", "add b", "relu", "globalpool", "dense classes"])
    a = conv(c, image(c), 4, 2, 2)  # 6 x 8
    b = F.relu(conv(c, a, 4, 3, 3, pad=(1, 1, 1, 1)))
    x = F.relu(conv(c, b, 4, 3, 3, pad=(1, 1, 1, 1)) + a)
    c.count["add"] = 1
    x = conv(c, x, 6, 3, 3, stride=(2, 2), pad=(0, 1, 0, 1))  # 3 x 4
    x = F.relu(x + project(c, b, 6, 2))
    c.write(dense(c, x.mean((2, 3))))


def case_residual_sequence():
    c = Case("residual-sequence", 4, 9, ["timemajor", "mark steps", "conv1d 5 2 stride=2", "add steps", "attend 1 units=3",
                                         "mark vector", "dense 6", "tanh", "add vector", "dense classes"])
    x = steps(image(c))
    w, b = c.param("add1.w", 4, 5), c.param("add1.b", 5)
    x = conv1d(c, x, 5, 2, stride=2) + x[:, 0:8:2] @ w + b
    x = attention(c, x, 1, 3, "attend")[1].reshape(B, -1)
    y = torch.tanh(dense(c, x, 6))
    w, b = c.param("add2.w", 5, 6), c.param("add2.b", 6)
    c.write(dense(c, y + x @ w + b))


# ---- masked: n true steps of each sample ----


def mask(x, true, axis):
    shape = [B] + [1] * (x.dim() - 1)
    shape[axis] = x.shape[axis]
    ones = torch.arange(x.shape[axis])[None] < torch.tensor(true)[:, None]
    return ones.reshape(shape).to(x.dtype)


def masked(name, rows, frames, true, lines):
    """A case, and its image with zeros behind the true frames: what is there is not heard."""
    c = Case(name, rows, frames, ["masked"] + lines)
    c.true = true
    return c, (c.x * mask(c.x, true, 2))[:, None]


def recurrent(c, x, true, U, kind):
    """bigru or bilstm, as PyTorch computes packed sequences."""
    n = c.layer(kind)
    G, C = 3 if kind == "bigru" else 4, x.shape[2]
    w, u = c.param(n + ".w", 2, C, G * U), c.param(n + ".u", 2, U, G * U)
    if G == 3:
        b = c.param(n + ".b", 2, 2, 3 * U)
        turn = lambda v: torch.cat([v[..., U:2 * U], v[..., :U], v[..., 2 * U:]], -1)
        cell = torch.nn.GRU(C, U, batch_first=True, bidirectional=True)
        bias = [[turn(b[d, 0]), turn(b[d, 1])] for d in range(2)]
    else:
        b = c.param(n + ".b", 2, 4 * U)
        turn = lambda v: v
        cell = torch.nn.LSTM(C, U, batch_first=True, bidirectional=True)
        bias = [[b[d], torch.zeros(4 * U)] for d in range(2)]
    weights = {}
    for d, end in enumerate(["l0", "l0_reverse"]):
        weights.update({"weight_ih_" + end: turn(w[d]).T, "weight_hh_" + end: turn(u[d]).T,
                        "bias_ih_" + end: bias[d][0], "bias_hh_" + end: bias[d][1]})
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(true), batch_first=True, enforce_sorted=False)
    y, _ = torch.func.functional_call(cell, weights, (packed,))
    return torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


def ends(x, true):  # last, after both ways
    U = x.shape[2] // 2
    return torch.stack([torch.cat([x[i, n - 1, :U], x[i, 0, U:]]) for i, n in enumerate(true)])


def batchnorm(c, x, m):  # over the places where m is 1, channels second
    n = c.layer("batchnorm")
    C = x.shape[1]
    g, b = c.param(n + ".gamma", C, shift=1.0), c.param(n + ".beta", C)
    c.params += [(n + ".mean", torch.zeros(C)), (n + ".var", torch.ones(C))]
    over, view = (0, 2, 3), (1, C, 1, 1)
    M = m.expand_as(x).sum(over)
    mean = ((x * m).sum(over) / M).view(view)
    var = ((((x - mean) * m) ** 2).sum(over) / M).view(view)
    return (g.view(view) * (x - mean) / torch.sqrt(var + 1e-3) + b.view(view)) * m


def softmax_of(scores, true):  # [B,T,...], over true steps
    return torch.softmax(scores.masked_fill(mask(scores, true, 1) == 0, -torch.inf), 1)


def additive(c, x, true, heads, A, kind):
    n = c.layer(kind)
    w, b, v = c.param(n + ".w", x.shape[2], A), c.param(n + ".b", A), c.param(n + ".v", A, heads)
    a = softmax_of(torch.tanh(x @ w + b) @ v, true)
    return a, a.transpose(1, 2) @ x


def case_masked_image():
    true = [13, 6, 9]
    c, x = masked("masked-image", 6, 13, true, ["conv 4 3x3 same relu", "batchnorm", "maxpool 2x2", "depthwise 2x2 relu", "globalpool", "dense classes"])
    m = mask(x, true, 3)
    x = batchnorm(c, F.relu(conv(c, x, 4, 3, 3, pad=(1, 1, 1, 1))), m)
    x = F.max_pool2d(x, 2) * mask(x[..., :6], [n // 2 for n in true], 3)
    left = [n // 2 - 1 for n in true]
    x = F.relu(depthwise(c, x, 2, 2))
    x = x * mask(x, left, 3)
    c.write(dense(c, x.sum((2, 3)) / (2 * torch.tensor(left)[:, None])))


def case_masked_recurrent():
    true = [5, 8, 2]
    c, x = masked("masked-recurrent", 4, 8, true, ["timemajor", "bilstm 3", "bigru 2", "last", "dense classes"])
    x = recurrent(c, steps(x), true, 3, "bilstm")
    c.write(dense(c, ends(recurrent(c, x, true, 2, "bigru"), true)))


def case_masked_attention():
    true = [7, 4, 9]
    c, x = masked("masked-attention", 4, 9, true, ["timemajor", "attention dot", "layernorm", "attend 2 units=3", "dense classes"])
    x = steps(x)
    s = (x @ x.transpose(1, 2)).masked_fill(mask(x, true, 1).transpose(1, 2) == 0, -torch.inf)
    x = layernorm(c, torch.softmax(s, 2) @ x)
    c.write(dense(c, additive(c, x, true, 2, 3, "attend")[1].reshape(B, -1)))


def case_masked_layersum():
    true = [8, 5, 3]
    c, x = masked("masked-layersum", 3, 8, true, ["conv 4 1x2", "layersum", "attend 1 units=3", "dense classes"])
    left = [n - 1 for n in true]
    x = conv(c, x, 4, 1, 2)
    x = layersum(c, (x * mask(x, left, 3)).permute(0, 2, 3, 1))
    c.write(dense(c, additive(c, x, left, 1, 3, "attend")[1].reshape(B, -1)))


def case_masked_stats():
    true = [8, 5, 3]
    c, x = masked("masked-stats", 3, 9, true, ["timemajor", "conv1d 4 3 same stride=2", "mark a", "conv1d 4 3 same", "tanh", "add a", "attentivestats units=4", "dense classes"])
    half = [(n + 1) // 2 for n in true]
    x = conv1d(c, steps(x), 4, 3, stride=2, pad=(0, 2))  # 5 steps; from the first on, as of an even length
    x = x * mask(x, half, 1)
    x = torch.tanh(conv1d(c, x, 4, 3, pad=(1, 1))) + x
    a, mean = additive(c, x, half, 1, 4, "attentivestats")
    dev = torch.sqrt((a * (x - mean) ** 2).sum(1) + 1e-5)
    c.write(dense(c, torch.cat([mean[:, 0], dev], 1)))


for make in (case_conv_same, case_conv_stride, case_groups, case_pools, case_sequence, case_norms, case_gru, case_bigru,
             case_bilstm_last, case_attend, case_stats, case_residual, case_residual_sequence, case_masked_image,
             case_masked_recurrent, case_masked_attention, case_masked_stats, case_layersum, case_layersum_vector,
             case_masked_layersum):
    make()
