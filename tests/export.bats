#!/usr/bin/env bats
# ser-export: what its ONNX files hold, that they compute what ser-score does, what it refuses.
load helper

nets='notebook other scale image sequence ends global layers'
masked_nets='masked-image masked-sequence masked-pools masked-ends masked-stats masked-mean'

# Three kinds of sound by six speakers, and a model of each network: made once for all tests.
setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return 1
    printf 'id\tpath\tspeaker\temotion\n' >m.tsv
    local s i
    for s in 1 2 3 4 5 6; do
        sox -n -r 22050 -b 16 "calm$s.wav" synth 0.6 sine $((150 + 9 * s))
        sox -n -r 22050 -b 16 "happy$s.wav" synth 0.6 sine $((500 + 9 * s)) synth 0.6 sine amod 5
        sox -R -n -r 22050 -b 16 "sad$s.wav" synth 0.6 pinknoise gain -$s
        for i in calm happy sad; do
            printf '%s%d\t%s%d.wav\ts%d\t%s\n' $i $s $i $s $s $i >>m.tsv
        done
    done
    awk 'NR == 1 || NR <= 13' m.tsv | ser-mfcc --frames 24 -m - -o train.sert
    awk 'NR == 1 || NR > 13' m.tsv | ser-mfcc --frames 24 -m - -o val.sert
    ser-tensor npy val.sert -o val.npy

    # The notebook's layers.
    cat >notebook.net <<'NET'
conv 4 3x3 relu
batchnorm
maxpool 2x2
dropout 0.25
reshape 209x4
lstm 5 l2=1e-4
attention dot
mean
dropout 0.2
dense classes l2=1e-4
NET
    # All others, and every shape that a layer may have.
    cat >other.net <<'NET'
standardize
reshape 40x24x1
conv 6 3x5
batchnorm
maxpool 3x4
reshape 6x10x6
conv 4 2x3 relu
reshape 40x4
batchnorm
bilstm 7
attention dot
lstm 9
last
batchnorm
dense 11 relu
reshape 11
dense classes
NET
    printf '%s\n' 'scale max' 'reshape 40x24' 'bilstm 5' mean 'dense classes relu' >scale.net
    # Windows, activations, residuals of an image; then of a sequence.
    cat >image.net <<'NET'
standardize
conv 4 3x5 same stride=2x2
mark start
conv 6 3x3 groups=2 same relu
depthwise 3x3 same stride=2x2
layernorm
gelu
add start
dropout2d 0.1
avgpool 2x2
elu
noise 0.1
timemajor
bigru 5
last
dense classes
NET
    cat >sequence.net <<'NET'
standardize
timemajor
mark start
conv1d 6 3 same stride=2 groups=2
tanh
depthwise 3 same
add start
mark step
layernorm
gru 6
add step
mark kept
attend 2 units=4
mark vector
leaky 0.2
dense 7
add vector
relu
reshape 7x1
conv1d 3 2
add kept
attentivestats units=5
dense classes
NET
    printf '%s\n' standardize 'conv 4 3x3' timemajor 'bilstm 3' 'dropout 0.1' last 'dense classes' >ends.net
    printf '%s\n' standardize 'conv 8 3x3 relu' 'maxpool 4x2' layersum 'bilstm 4' mean 'dense classes' >layers.net
    printf '%s\n' standardize 'conv 8 5x5 relu' batchnorm leaky globalpool 'dense 16 relu' 'dense classes' >global.net
    cat >masked-image.net <<'NET'
masked
standardize
conv 8 3x3 same stride=2x2
mark start
conv 8 3x3 groups=2 same relu
batchnorm
depthwise 3x3 same stride=2x2
add start
avgpool 2x2
gelu
globalpool
dense 8 relu
dense classes
NET
    cat >masked-sequence.net <<'NET'
masked
standardize
conv 4 5x3 relu
maxpool 2x2
timemajor
mark start
conv1d 6 3 stride=2
bilstm 3
attention dot
add start
mark steps
gru 6
add steps
attend 2 units=4
dense classes
NET
    printf '%s\n' masked standardize 'conv 6 3x3 same' 'maxpool 2x4' 'conv 6 3x3 same' 'avgpool 2x3' timemajor mean \
        'dense 8 relu' 'dense classes' >masked-pools.net
    printf '%s\n' masked standardize timemajor 'bigru 3' last 'dense classes' >masked-ends.net
    printf '%s\n' masked standardize timemajor 'conv1d 5 20' 'attentivestats units=3' 'dense classes' >masked-stats.net
    printf '%s\n' masked standardize 'conv 4 40x3' 'reshape 22x4' mean 'dense classes' >masked-mean.net
    # Recordings that are shorter than the features, one than a window.
    printf 'id\tpath\tspeaker\temotion\n' >short.tsv
    for s in 5 6; do
        for i in calm happy sad; do
            sox $i$s.wav short$i$s.wav trim 0 0.$((s - 3))${#i}
            printf '%s%d\tshort%s%d.wav\ts%d\t%s\n' $i $s $i $s $s $i >>short.tsv
        done
    done
    sox calm6.wav tiny.wav trim 0 0.05
    printf 'tiny\ttiny.wav\ts6\tcalm\n' >>short.tsv
    ser-mfcc --frames 24 -m short.tsv -o short.sert
    ser-tensor npy short.sert -o short.npy
    ser-tensor ls short.sert | sed -n 's/.* frames=\([0-9]*\).*/\1/p' >frames.txt
    [ "$(sort -u frames.txt | wc -l)" -gt 1 ] || fail "all are as long"
    local temperature=1 val=val.sert
    for net in $nets $masked_nets; do
        [ $net != global ] || temperature=0.7 # which the graph has to divide by
        [ -n "${net##*masked*}" ] || val=short.sert
        ser-train -q --net $net.net --val $val --epochs 30 --lr 0.02 --patience 0 --batch 4 --temperature $temperature \
            -o $net.bin train.sert
        ser-export --onnx $net.bin >$net.onnx
        ser-score $net.bin $val >$net.tsv
    done
}

setup() {
    cd "$BATS_FILE_TMPDIR" || return 1
}

# agree P.tsv ROWS: the probabilities of ser-score and those of another program, within 1e-5; they
# must tell sounds apart, or any would agree.
agree() {
    local classes
    classes=$(awk -F'\t' 'NR == 1 {n = gsub(/\tp_/, ""); print n}' "$1")
    [ "$(wc -l <"$2")" = $(($(wc -l <"$1") - 1)) ] || fail "$2 has $(wc -l <"$2") rows"
    awk -F'\t' -v k="$classes" 'NR > 1 {for (i = 5; i < 5 + k; i++) print $i}' "$1" >"$2.want"
    tr '\t' '\n' <"$2" >"$2.got"
    paste "$2.want" "$2.got" | awk -F'\t' -v k="$classes" '
        {d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d; sum += $2
         if (NF != 2 || $2 == "") bad = 1; if ($1 > top) top = $1; if (NR == 1 || $1 < low) low = $1}
        END {printf "worst difference %g, from %g to %g\n", worst, low, top
             exit !(NR && !bad && worst <= 1e-5 && sum / NR * k > 0.999 && top > 0.6 && low < 0.1)}'
}

onnx() {
    perl "$ROOT/tests/onnx.pl" "$@"
}

@test "the networks here have every type of layer" {
    local types
    types=$(sed -n 's/^LAYER(\(.*\))$/\1/p' "$ROOT/lib/nn/layers/table.h")
    assert [ -n "$types" ]
    for type in $types; do
        grep -q "^$type\b" ./*.net || fail "$type is in no network"
    done
}

@test "the graph: nodes, shapes, sizes" {
    onnx list notebook.onnx | grep -v '^metadata' >list.txt
    diff - list.txt <<LIST
ir 8 opset 15 domain ''
producer ser $(ser-export --version | sed 's/.* //')
input features type 1 batch,40,24
output probabilities type 1 batch,3
tensor shape type 7 4
tensor conv1.w type 1 4,1,3,3
tensor conv1.b type 1 4
tensor batchnorm1.gamma type 1 4
tensor batchnorm1.beta type 1 4
tensor batchnorm1.mean type 1 4
tensor batchnorm1.var type 1 4
tensor reshape1.shape type 7 3
tensor lstm1.w type 1 1,20,4
tensor lstm1.u type 1 1,20,5
tensor lstm1.b type 1 1,40
tensor lstm1.shape type 7 3
tensor dense1.w type 1 5,3
tensor dense1.b type 1 3
node Reshape image <- features shape
node Conv conv1.sum <- image conv1.w conv1.b
node Relu conv1.relu <- conv1.sum
node BatchNormalization batchnorm1.normal <- conv1.relu batchnorm1.gamma batchnorm1.beta batchnorm1.mean batchnorm1.var epsilon=0.00100000004749745
node MaxPool maxpool1.max <- batchnorm1.normal kernel_shape=2,2 strides=2,2
node Transpose reshape1.channels_last <- maxpool1.max perm=0,2,3,1
node Reshape reshape1.same <- reshape1.channels_last reshape1.shape
node Transpose lstm1.steps <- reshape1.same perm=1,0,2
node LSTM lstm1.states <- lstm1.steps lstm1.w lstm1.u lstm1.b direction=forward hidden_size=5
node Transpose lstm1.samples <- lstm1.states perm=2,0,1,3
node Reshape lstm1.joined <- lstm1.samples lstm1.shape
node Transpose attention1.turned <- lstm1.joined perm=0,2,1
node MatMul attention1.products <- lstm1.joined attention1.turned
node Softmax attention1.weights <- attention1.products axis=-1
node MatMul attention1.sum <- attention1.weights lstm1.joined
node ReduceMean mean1.mean <- attention1.sum axes=1 keepdims=0
node Gemm dense1.sum <- mean1.mean dense1.w dense1.b
node Softmax probabilities <- dense1.sum axis=-1
LIST
    onnx list other.onnx >/dev/null
    onnx list scale.onnx >/dev/null
}

@test "a temperature is a division before the last softmax; without one there is none" {
    onnx list global.onnx >list.txt
    grep -qx 'node Div scaled <- dense2.sum temperature' list.txt || fail "$(cat list.txt)"
    grep -qx 'node Softmax probabilities <- scaled axis=-1' list.txt
    ! onnx list notebook.onnx | grep -q scaled || fail "divided without need"
}

@test "the metadata are the model's attributes: classes, recipe, training" {
    ser-tensor ls -H notebook.bin | grep -v '^kind=' >want.txt
    grep -q '^classes=calm,happy,sad$' want.txt
    grep -q '^feat.frames=24$' want.txt
    onnx list notebook.onnx | sed -n 's/^metadata //p' | diff want.txt -
}

@test "the graph computes what ser-score does" {
    for net in $nets; do
        onnx run $net.onnx val.npy >$net.rows
        agree $net.tsv $net.rows
    done
    for net in $masked_nets; do
        onnx list $net.onnx | grep -qx 'input frames type 7 batch'
        onnx run $net.onnx short.npy frames.txt >$net.rows
        agree $net.tsv $net.rows
    done
}

python_onnx() { # python_onnx FILE.onnx FEATURES.npy [FRAMES]: what is padding becomes no number
    python3 - "$@" <<'PYTHON'
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
assert session.get_modelmeta().custom_metadata_map["classes"] == "calm,happy,sad"
x = {"features": numpy.load(sys.argv[2])}
if len(sys.argv) > 3:
    x["frames"] = numpy.loadtxt(sys.argv[3], dtype=numpy.int64)
    for sample, n in zip(x["features"], x["frames"]):
        sample[:, n:] = numpy.nan
for row in session.run(["probabilities"], x)[0]:
    print("\t".join("%.9g" % p for p in row))
PYTHON
}

node_onnx() {
    node - "$@" <<'NODE'
const ort = require(require("path").resolve(process.env.SER_ONNXRUNTIME)), fs = require("fs");
const [model, npy, lines] = process.argv.slice(2), file = fs.readFileSync(npy), at = 10 + file.readUInt16LE(8);
const dims = file.toString("latin1", 0, at).match(/\(([\d, ]+)\)/)[1].split(",").filter((d) => d.trim()).map(Number);
const x = new Float32Array(file.buffer.slice(file.byteOffset + at, file.byteOffset + file.length));
const inputs = {features: new ort.Tensor("float32", x, dims)};
if (lines) {
    const frames = BigInt64Array.from(fs.readFileSync(lines, "latin1").trim().split("\n"), BigInt);
    inputs.frames = new ort.Tensor("int64", frames, [frames.length]);
    x.forEach((v, i) => { if (i % dims[2] >= frames[Math.floor(i / dims[1] / dims[2])]) x[i] = NaN; });
}
(async () => {
    const session = await ort.InferenceSession.create(model);
    const p = (await session.run(inputs)).probabilities;
    for (let i = 0; i < p.data.length; i += p.dims[1])
        console.log([...p.data.subarray(i, i + p.dims[1])].join("\t"));
})();
NODE
}

@test "ONNX Runtime computes what ser-score does" {
    local runtimes=()
    ! python3 -c 'import numpy, onnxruntime' 2>/dev/null || runtimes+=(python_onnx)
    [ -z "${SER_ONNXRUNTIME-}" ] || runtimes+=(node_onnx)
    if [ ${#runtimes[@]} = 0 ]; then
        echo "# left out: ONNX Runtime; install python3-onnxruntime, or name npm's folder onnxruntime-node in SER_ONNXRUNTIME" >&3
        return
    fi
    for runtime in "${runtimes[@]}"; do
        for net in $nets $masked_nets; do
            local input=(val.npy)
            [ -z "${net##*masked*}" ] && input=(short.npy frames.txt)
            $runtime $net.onnx "${input[@]}" >$net.$runtime 2>$net.$runtime.err || fail "$(cat $net.$runtime.err)"
            agree $net.tsv $net.$runtime
        done
    done
}

@test "same bytes twice, from standard input, into a file" {
    ser-export --onnx other.bin | cmp - other.onnx
    ser-export --onnx <other.bin | cmp - other.onnx
    cat other.bin | ser-export --onnx - -o out.onnx
    same out.onnx other.onnx
}

@test "what it refuses" {
    fails 2 '--onnx is needed' ser-export notebook.bin
    fails 2 'one model at a time' ser-export --onnx notebook.bin other.bin
    fails 4 'none.bin: .*No such file' ser-export --onnx ./none.bin
    fails 3 'empty' ser-export --onnx /dev/null
    fails 3 'calm1.wav: ' ser-export --onnx calm1.wav
    fails 3 "val.sert: .*features" ser-export --onnx val.sert
    head -c 3000 other.bin >cut.bin
    fails 3 'cut.bin: ' ser-export --onnx cut.bin
    perl -0777 -pe 'substr($_, 4000, 1) ^= "\1"' other.bin >flipped.bin
    fails 3 'flipped.bin: .*checksum' ser-export --onnx flipped.bin
    # A failure leaves no file and no old one damaged.
    echo old >old.onnx
    fails 3 'cut.bin: ' ser-export --onnx cut.bin -o old.onnx
    assert_equal "$(cat old.onnx)" old
}

@test "output: a full disk" {
    fails 4 '<stdout>: cannot write' bash -c 'ser-export --onnx notebook.bin >/dev/full'
}

@test "output: no ONNX on a terminal" {
    have_terminal || return 0
    run script -qec 'ser-export --onnx notebook.bin' /dev/null
    assert_equal "$status" 2
    assert_output --partial 'will not write binary data to a terminal'
}
