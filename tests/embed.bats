#!/usr/bin/env bats
# ser-embed: one encoder however it is stored, the layers that are asked for, clear words about anything else.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    "$BATS_TEST_DIRNAME/make-encoder" tiny
    sox -R -n -r 22050 -b 16 a.wav synth 0.5 sine 200-900 gain -6
    sox -R -n -r 16000 -b 16 b.wav synth 0.3 pinknoise gain -6
    sox -R -n -r 8000 -b 16 c.wav synth 1.2 sine 100-700 gain -3
    printf 'id\tpath\temotion\tspeaker\none\ta.wav\thappy\tx\ntwo\tb.wav\tsad\tx\nthree\tc.wav\thappy\ty\nfour\tb.wav\tsad\ty\n' >m.tsv
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    ln -s "$BATS_FILE_TMPDIR"/* .
}

embed() {
    ser-embed -q --kernels plain "$@"
}

# values STREAM: a line a record, its numbers
values() {
    ser-tensor text "$1" | tr '\n' ' '
}

@test "however the weights are stored, it is one encoder: types, several files, prefixes" {
    embed --layer all tiny a.wav >want
    for how in '--dtype F16' '--dtype BF16' '--dtype F64' '--shards 3' '--prefix encoder.' "--prefix="; do
        # shellcheck disable=SC2086
        "$ROOT/tests/make-encoder" $how other
        embed --layer all other a.wav >got
        same want got
        rm -r other
    done
    "$ROOT/tests/make-encoder" --seed 2 other
    embed --layer all other a.wav >got
    run ser-cmp want got
    assert_failure
}

@test "--weights: the encoder alone, in half precision where that loses nothing" {
    local how at header
    mkdir alone
    cp -L tiny/*.json alone
    ser-embed --weights -o alone/model.safetensors tiny
    for how in '--dtype F16' '--dtype F64' '--shards 3' --torch; do
        # shellcheck disable=SC2086
        "$ROOT/tests/make-encoder" $how other
        ser-embed --weights other | cmp - alone/model.safetensors
        rm -r other
    done
    ser-embed --weights alone | cmp - alone/model.safetensors
    [ "$(stat -c %s alone/model.safetensors)" -lt "$(($(stat -Lc %s tiny/model.safetensors) * 6 / 10))" ]
    run grep -ac -e decoder -e F32 alone/model.safetensors
    assert_output 0
    embed --layer all tiny a.wav >want
    embed --layer all alone a.wav | same want -
    # A value that half precision has not keeps its tensor as it is.
    header=$(od -An -t u8 -N 8 tiny/model.safetensors | tr -d ' ')
    at=$(grep -aoP '"model.encoder.conv1.bias":.*?data_offsets":\[\K[0-9]+' tiny/model.safetensors | head -n 1)
    cp -rL tiny other
    printf '\1' | dd of=other/model.safetensors bs=1 seek=$((8 + header + at)) conv=notrunc status=none
    ser-embed --weights other >alone/model.safetensors
    run grep -ao '"[^"]*":{"dtype":"F32"' alone/model.safetensors
    assert_output '"model.encoder.conv1.bias":{"dtype":"F32"'
    embed other a.wav >want
    embed alone a.wav | same want -
    fails 2 'without recordings' ser-embed --weights tiny a.wav
    fails 2 'without recordings' ser-embed --weights --like want
    fails 4 'nowhere/config.json' ser-embed --weights ./nowhere
    [ -z "${SER_REFERENCE-}" ] || ser-embed --weights "$SER_REFERENCE/encoders/real/whisper-base-encoder" |
        cmp - "$SER_REFERENCE/encoders/real/whisper-base-encoder/model.safetensors"
}

@test "--classify: what the head of a published model says, as a table; numbers without a prediction" {
    local how
    "$ROOT/tests/make-encoder" --family hubert --head sum sum
    "$ROOT/tests/make-encoder" --family hubert --head classes last
    "$ROOT/tests/make-encoder" --family wav2vec2 --stable --torch --head numbers numbers
    embed --classify -m m.tsv sum >want
    assert_equal "$(head -n 1 want)" $'id\temotion\tpredicted\tconfidence\tp_neu\tp_hap\tp_ang\tp_sad\tspeaker\tcorpus\tsex'
    awk -F'\t' 'NR > 1 && ($5 + $6 + $7 + $8 - 1) ^ 2 < 1e-12 && $4 > 0.25 && $2 $9 != "--" && !seen[$5]++ {n++} END {exit n != 3}' want
    ser-eval want >/dev/null
    embed --classify -j 3 -m m.tsv sum | same want -
    embed --classify -m m.tsv last >other
    run diff want other
    assert_failure
    # The weighted sum is that of the states; the last alone needs no weights.
    ser-embed --weights -o one last && grep -aq projector.weight one && ! grep -aq layer_weights one
    run -0 embed --classify --every 0.2 --frames 10 numbers a.wav
    assert_line --index 0 $'id\temotion\tpredicted\tconfidence\tarousal\tdominance\tvalence\tspeaker\tcorpus\tsex\tstart_s\tend_s\tspeech\tlevel_db'
    assert_line --index 2 --regexp $'^a.wav@0.200\t-\t-\t-\t[-0-9.e]+\t[-0-9.e]+\t[-0-9.e]+\t-\t-\t-\t0.200\t0.405\t[-0-9.]+\t-[0-9.]+$'
    fails 3 'tiny: has no head that can be computed' ser-embed --classify tiny a.wav
    for how in '--layer 1' --average '--pool mean'; do
        # shellcheck disable=SC2086
        fails 2 "--classify: .*: leave out ${how% *}" ser-embed --classify $how sum a.wav
    done
    fails 2 'leave out --like' ser-embed --classify --like one --encoder sum a.wav
    for how in '"0"/"5"' '"neu"/""' '"neu"/"n\\te"'; do
        cp -r sum bad
        sed -i "s/$how/" bad/config.json
        fails 3 'bad/config.json: id2label has no name for class 0' ser-embed --classify bad a.wav
        rm -r bad
    done
    sed -i 's/"id2label"/"x"/' last/config.json
    embed --classify last a.wav | head -n 1 | grep -q 'p_LABEL_0	'
    sed -i 's/"use_weighted_layer_sum": false/"use_weighted_layer_sum": true/' last/config.json
    fails 3 "last: 'layer_weights' is not there, or not of 3 numbers" ser-embed --classify last a.wav
}

@test "wav2vec 2.0, HuBERT, WavLM: both kinds of layers, both kinds of files, both names of the weight norm" {
    for family in wav2vec2 hubert wavlm; do
        for kind in '' --stable; do
            # shellcheck disable=SC2086
            "$ROOT/tests/make-encoder" --family $family $kind one
            # shellcheck disable=SC2086
            "$ROOT/tests/make-encoder" --family $family $kind --torch --new-names --dtype BF16 --prefix= two
            embed -j 1 --layer all one a.wav >want
            embed -j 3 --layer all two a.wav >got
            same want got
            strings want | grep -qx "feat.input_norm=$([ -n "$kind" ] && echo yes || echo no)"
            run ser-tensor ls want
            assert_line --regexp '^a.wav	f32	3x24x16	'
            embed --layer 1 --pool mean one a.wav >"$family$kind"
            rm -r one two
        done
    done
    # Each is another network: the numbers differ.
    for one in wav2vec2 hubert wavlm; do run -1 ser-cmp --values --atol 1e-3 $one $one--stable; done
    run -1 ser-cmp --values --atol 1e-6 hubert wavlm
    "$ROOT/tests/make-encoder" --family hubert one
    fails 2 'pad-30s: only Whisper' ser-embed --pad-30s one a.wav
    sox -R -r 16000 -n -b 16 short.wav trim 0 399s
    fails 3 'short.wav.*399 samples at 16000 Hz: this encoder needs 400' ser-embed one short.wav
    sox -R -r 16000 -n -b 16 least.wav trim 0 400s
    embed one least.wav | ser-tensor ls | grep -q '1x16'
}

@test "any number of threads, a file, a pipe, a manifest, a stream of audio: the same values" {
    embed -j 1 -m m.tsv tiny >want
    for jobs in 2 3; do
        embed -j $jobs -m m.tsv tiny >got
        same want got
        embed -j $jobs --layer all tiny c.wav >"c.$jobs"
    done
    embed -j 1 --layer all tiny c.wav | cmp - c.2
    same c.2 c.3
    ser-augment -q --keep --rate 16000 m.tsv | embed tiny >got
    ser-cmp --values --atol 0 want got
    embed tiny a.wav b.wav c.wav b.wav >got
    ser-cmp --values --atol 0 want got
    embed tiny c.wav >one
    cat c.wav | embed tiny - >two
    ser-cmp --values --atol 0 one two
}

@test "layers: one, several, their mean, all" {
    for layer in 0 1 2; do embed --layer $layer tiny a.wav >$layer; done
    embed tiny a.wav >last
    same last 2
    embed --layer all tiny a.wav >all
    embed --layer 0:2 tiny a.wav >range
    same all range
    run ser-tensor ls all
    assert_line --regexp '^a.wav	f32	3x25x16	'
    for layer in 0 1 2; do ser-tensor text $layer; done | grep -v '^#' | tr -s ' \n' '\n\n' | grep '[0-9]' | grep -v '[a-z]' >parts
    ser-tensor text all | grep -v '^#' | tr -s ' \n' '\n\n' | grep '[0-9]' | grep -v '[a-z]' >whole
    same parts whole
    embed --layer 1:2 --average --pool mean tiny a.wav >average
    run ser-tensor ls average
    assert_line --regexp '^a.wav	f32	16	'
}

@test "pooling is the mean and the deviation over the frames of the recording" {
    embed --layer 1 tiny a.wav >frames
    embed --layer 1 --pool stats tiny a.wav >stats
    embed --layer 1 --pool mean tiny a.wav >mean
    numbers() { ser-tensor npy "$1" | tail -c "$2" | od -An -v -t f4 -w64; }
    numbers frames $((25 * 64)) | awk '
        {for (c = 1; c <= 16; c++) {s[c] += $c; q[c] += $c * $c}}
        END {
            for (c = 1; c <= 16; c++) printf "%.3f\n", s[c] / NR
            for (c = 1; c <= 16; c++) printf "%.3f\n", sqrt(q[c] / NR - (s[c] / NR) ^ 2)
        }' >want
    numbers stats 128 | awk '{for (c = 1; c <= NF; c++) printf "%.3f\n", $c}' >got
    paste want got | awk '($1 - $2) ^ 2 > 4e-6 {exit 1}' || fail "$(paste want got)"
    numbers mean 64 | awk '{for (c = 1; c <= NF; c++) printf "%.3f\n", $c}' >got
    same got <(numbers stats 128 | head -n 1 | awk '{for (c = 1; c <= NF; c++) printf "%.3f\n", $c}')
}

@test "30 s are heard with --pad-30s, and say so" {
    embed --layer 1 --pad-30s tiny a.wav >padded
    embed --layer 1 tiny a.wav >brief
    run ser-cmp brief padded
    assert_failure 1
    run ser-cmp --values --atol 1e-3 brief padded
    assert_failure 1
    strings padded | grep -qx 'feat.padded_s=30'
}

@test "silence at both ends is cut off before, as ser-mfcc does" {
    sox -R a.wav padded.wav pad 0.5 0.7
    embed --trim 40 tiny padded.wav >got
    strings got | grep -qx 'feat.trim_db=40'
    run ser-tensor ls got
    assert_line --regexp 'padded.wav	f32	3[0-4]x16	'
    embed --trim 40:0.1 tiny padded.wav >wide
    strings wide | grep -qx 'feat.trim_margin_s=0.1'
    run ser-tensor ls wide
    assert_line --regexp 'padded.wav	f32	4[0-4]x16	'
    embed tiny padded.wav | ser-tensor ls | grep -q '85x16'
    for trim in 0 -1 x 40: 40:x 201 ''; do fails 2 "--trim '$trim'" ser-embed --trim "$trim" tiny a.wav; done
}

@test "the recipe says which encoder, layer and pooling; a model refuses others" {
    embed --layer 1 --pool stats -m m.tsv tiny >all.sert
    strings all.sert | grep '^feat\.' >recipe
    assert_equal "$(grep -v xxh3 recipe)" "$(printf '%s\n' feat.axes=channels feat.encoder=whisper-2x16 feat.layer=1 \
        feat.pool=stats feat.rate_hz=16000 feat.resampler=soxr-hq feat.type=embedding)"
    grep -qE '^feat.encoder_xxh3=[0-9a-f]{16}$' recipe
    awk -F'\t' '$4 != "y"' m.tsv >x.tsv
    awk -F'\t' '$4 != "x"' m.tsv >y.tsv
    for part in x y; do embed --layer 1 --pool stats -m $part.tsv -o $part.sert tiny; done
    ser-train -q --net "$ROOT/pipelines/nets/probe.net" --val y.sert --epochs 5 --lr 0.1 -o model.bin x.sert
    run ser-score -q model.bin y.sert
    assert_success
    assert_line --regexp '^three	happy	(happy|sad)	'
    embed --layer 2 --pool stats -m y.tsv >other.sert tiny
    fails 3 'feat.layer is 2, the model wants 1: .*ser-embed' ser-score -q model.bin other.sert
    "$ROOT/tests/make-encoder" --seed 2 other
    embed --layer 1 --pool stats -m y.tsv >other.sert other
    fails 3 'feat.encoder_xxh3 is' ser-score -q model.bin other.sert
    fails 3 'ser-embed' ser-mfcc --like model.bin a.wav
}

# edited SOURCE TARGET NAME=VALUE: the stream with another attribute in its header
edited() {
    ser-tensor npy -o edited.npy "$1"
    ser-tensor from-npy --like "$1" --set "$3" -o "$2" edited.npy
}

@test "--like: encoder, layers, pooling, cut, padding and norm are those of a model" {
    local line how
    mkdir enc
    "$ROOT/tests/make-encoder" enc/whisper-2x16
    "$ROOT/tests/make-encoder" --family hubert enc/hubert-2x16
    export SER_ENCODERS=$PWD/enc
    sox -R a.wav padded.wav pad 0.5 0.7
    while read -r line; do
        read -r -a how <<<"$line"
        embed "${how[@]}" padded.wav >want
        embed --like want padded.wav | same want -
        embed --like want <padded.wav >got
        ser-cmp --values --atol 0 want got
    done <<'END'
--layer 1 --pool stats whisper-2x16
--layer all --pool mean whisper-2x16
--layer 0:1 --average whisper-2x16
--trim 40 whisper-2x16
--trim 35.5:0.1 --layer 2 whisper-2x16
--pad-30s --layer 0 whisper-2x16
--layer 1 hubert-2x16
--layer 1 --norm yes hubert-2x16
END
    # Of a model; what speakers are normalised by is a step of its own.
    embed --layer 1 --pool stats -m m.tsv -o f.sert tiny
    ser-tensor normalize --by speaker -o g.sert f.sert
    for part in f g; do ser-train -q --net "$ROOT/pipelines/nets/probe.net" --keep last --epochs 1 -o $part.bin $part.sert; done
    embed --like f.bin -m m.tsv | same f.sert -
    embed --like g.bin -m m.tsv | same f.sert -
    SER_MODELS=$PWD embed --like g -m m.tsv | same f.sert -
    embed --like f.bin a.wav | ser-score -q f.bin | grep -q '^a.wav	'
    # Of a head, what the network hears that it is of.
    ser-score -q --embed f.bin f.sert -o h.sert
    printf 'dense classes\n' >h.net
    ser-train -q --net h.net --keep last --epochs 1 -o h.bin h.sert
    embed --like h.bin -m m.tsv | same f.sert -
    for how in f h; do fails 2 "$how.bin" ser-embed -o $how.bin --like h.bin a.wav; done
    embed --layer 2 --pool stats -o other.sert tiny a.wav
    fails 3 "feat.layer is 2, the model wants 1: .*'ser-embed --like MODEL'" ser-score f.bin other.sert
    fails 2 "f.bin" ser-embed -o f.bin --like f.bin a.wav
    fails 2 'standard input' ser-embed --like - -
    fails 2 'standard input' ser-embed --like -
    for how in '--layer 1' --average '--pool mean' '--trim 30' '--norm yes' --pad-30s; do
        # shellcheck disable=SC2086
        fails 2 "--like f.bin takes the whole recipe from there: leave out ${how% *}" ser-embed --like f.bin $how a.wav
    done
}

@test "--like: another encoder, or a recipe that cannot be made, is refused by name" {
    embed --layer 1 --pool mean tiny a.wav >f.sert
    mkdir -p enc home/.local/share/ser/encoders data/ser/encoders
    "$ROOT/tests/make-encoder" --seed 2 enc/whisper-2x16
    export SER_ENCODERS=$PWD/enc HOME=$PWD/home
    unset XDG_DATA_HOME
    fails 3 "enc/whisper-2x16: is not the encoder of f.sert: the checksum of its weights is [0-9a-f]{16}, not [0-9a-f]{16}: give" \
        ser-embed --like f.sert a.wav
    embed --like f.sert --encoder tiny a.wav | same f.sert -
    fails 2 '--encoder belongs to --like' ser-embed --encoder tiny a.wav
    # Its places, and their order.
    rm -r enc/whisper-2x16
    fails 4 "whisper-2x16: no such folder, and no encoder of that name in $PWD/enc or $PWD/home/.local/share/ser/encoders: get it with 'ser-fetch whisper-2x16' \\('ser-fetch --encoders' lists what it can get\\)" \
        ser-embed --like f.sert a.wav
    cp -rL tiny home/.local/share/ser/encoders/whisper-2x16
    embed --like f.sert a.wav | same f.sert -
    embed --layer 1 --pool mean whisper-2x16 a.wav | same f.sert -
    export XDG_DATA_HOME=$PWD/data
    fails 4 "in $PWD/enc or $PWD/data/ser/encoders: get" ser-embed whisper-2x16 a.wav
    XDG_DATA_HOME=data embed --like f.sert a.wav | same f.sert -
    mv home/.local/share/ser/encoders/whisper-2x16 data/ser/encoders
    embed --like f.sert a.wav | same f.sert -
    "$ROOT/tests/make-encoder" --seed 2 enc/whisper-2x16
    fails 3 'is not the encoder' ser-embed --like f.sert a.wav
    rm -r enc
    # Every key counts.
    local pair pattern
    while read -r pair pattern; do
        edited f.sert g.sert "$pair"
        fails 3 "$pattern" ser-embed --like g.sert a.wav
        [ "${#stderr_lines[@]}" = 1 ]
    done <<'END'
feat.layer=3 g.sert: its recipe has feat.layer=3, but the encoder has the layers 0 to 2
feat.layer=last feat.layer
feat.layer=1:1 g.sert: its recipe has feat.layer=1:1, which cannot be made: here it is 1
feat.pool=max feat.axes=channels, which cannot be made: here it is time,channels
feat.average=yes feat.average=yes
feat.average=no feat.average=no
feat.padded_s=31 feat.padded_s=31
feat.frames=2.5 feat.frames=2.5
feat.input_norm=yes feat.input_norm=yes
feat.trim_db=-1 feat.trim_db=-1
feat.trim_db=x feat.trim_db=x
feat.trim_margin_s=0.1 feat.trim_margin_s
feat.rate_hz=8000 feat.rate_hz=8000
feat.norm=utterance feat.norm=utterance
feat.more=1 feat.more=1, which cannot be made: here it is .unset
feat.encoder=../tiny holds no recipe
feat.encoder_xxh3=0 is not the encoder of g.sert: .*, not 0
feat.type=mfcc is not of embeddings: .*ser-mfcc --like
END
    edited f.sert g.sert feat.encoder=whisper-base
    fails 4 'whisper-base: no such folder' ser-embed --like g.sert a.wav
    fails 3 'feat.encoder=whisper-base' ser-embed --like g.sert --encoder tiny a.wav
    ser-tensor from-npy "$ROOT"/tests/golden/mfcc/noise-8k-ulaw.mfcc.npy -o foreign.sert
    fails 3 'foreign.sert: is not of embeddings$' ser-embed --like foreign.sert a.wav
    fails 2 'oen: no such file, and no model of that name' ser-embed --like oen a.wav
}

@test "--every: windows, each the embedding of its samples, of files, pipes, raw and endless sound" {
    local at family length
    export SER_ENCODERS=$PWD
    "$ROOT/tests/make-encoder" --family hubert hubert
    sox -R -n -r 16000 -b 16 a16.wav synth 1.5 sine 200-900 tremolo 3 60 gain -6
    for family in tiny hubert; do
        embed --pool stats --trim 20 --frames 30 --every 0.4 $family a16.wav >want
        run ser-tensor ls -c frames,start_s,end_s,level_db,silent want
        assert_equal "${#lines[@]}" 4
        assert_line --index 2 --regexp $'^a16.wav@0.400\tf32\t32\t[0-9]+\t0.400\t1.00[05]\t-[0-9.]+\t'
        strings want | grep -qx feat.frames=30
        length=$([ $family = tiny ] && echo 9600s || echo 9680s)
        for at in 0.000 0.400 0.800; do
            sox a16.wav cut.wav trim $at "$length"
            ser-tensor cat -k a16.wav@$at want >window
            embed --pool stats --trim 20 --frames 30 $family cut.wav | ser-cmp --values --atol 0 window -
        done
    done
    "$ROOT/tests/make-encoder" --family hubert hubert-2x16
    embed --like want --every 0.4 a16.wav | same want -
    embed --like want --every 0.4 <a16.wav >piped
    ser-cmp --values --atol 0 want piped
    sox a16.wav -t raw - | embed --like want --every 0.4 --raw s16le:16000:1 -j 3 | same piped -
    # It hears no more without windows, and says so.
    run --separate-stderr ser-embed --kernels plain --like want -o out.sert a16.wav b.wav
    assert_success
    [[ $stderr = *'1 of 2 recordings is longer than 30 frames, and not heard to the end: --every'* ]]
    assert_equal "$(ser-tensor ls -c unheard_s out.sert | cut -f 4 | tr '\n' ' ')" 'unheard_s 0.895 - '
    ser-cmp --values --atol 0 <(ser-tensor cat -k a16.wav out.sert) <(embed --pool stats --frames 30 --trim 20 hubert a16.wav)
    # A model of whole recordings hears windows of 4 s, or as told, and its recipe stays.
    sox -R -n -r 16000 -b 16 long.wav synth 31 sine 200-900 gain -6
    embed --layer 1 --pool mean tiny a16.wav >whole
    embed --like whole --encoder tiny --every 9 long.wav >windows
    assert_equal "$(ser-tensor ls -H whole)" "$(ser-tensor ls -H windows)"
    assert_equal "$(ser-tensor ls -c end_s,frames windows | cut -f 4,5 | tr '\t\n' '  ')" 'end_s frames 4.000 200 13.000 200 22.000 200 31.000 200 '
    embed --like whole --encoder tiny --every 20 --frames 500 long.wav | ser-tensor ls -c end_s | grep -q '30.000$'
    # A window leaves while the sound goes on; what is too short for one makes one.
    mkfifo live
    embed --every 0.1 --frames 10 --pool mean --raw s16le:16000:1 tiny live >out &
    exec 7>live
    embed --every 0.1 --frames 10 --pool mean tiny a16.wav | ser-tensor head -n 1 >one
    tail -c +45 a16.wav | head -c 12000 >&7 # two windows
    for ((i = 0; i < 1200 && $(stat -c %s out) <= $(stat -c %s one); i++)); do sleep 0.05; done
    size=$(stat -c %s out)
    exec 7>&-
    wait $!
    [ "$size" -gt "$(stat -c %s one)" ] || fail "only $size bytes left"
    embed --every 1 tiny b.wav | ser-cmp --values --atol 0 - <(embed tiny b.wav)
    sox -R -r 16000 -n -b 16 tick.wav trim 0 300s
    fails 3 'tick.wav.*@0.000.: 300 samples at 16000 Hz: this encoder needs 400' ser-embed --every 1 hubert tick.wav
    fails 2 '--raw goes with --every' ser-embed --raw s16le:8000:1 tiny a.wav
    fails 2 "--raw 'x': " ser-embed --every 1 --raw x tiny a.wav
    fails 2 '--frames 1500: this encoder hears 1499 at most' ser-embed --frames 1500 hubert a.wav
    fails 2 'leave out --frames' ser-embed --like want --every 1 --frames 20 a.wav
    fails 2 'it hears recordings as a whole: --frames goes with --every' ser-embed --like whole --frames 20 a.wav
    edited want other.sert feat.frames=0
    fails 3 'feat.frames=0, which cannot be made' ser-embed --like other.sert --every 1 a.wav
}

@test "--norm: the input is normalised as published, or as told" {
    local kind
    for kind in '' --stable; do
        # shellcheck disable=SC2086
        "$ROOT/tests/make-encoder" --family hubert $kind one
        embed one a.wav >published
        embed --norm published one a.wav | same published -
        embed --norm yes one a.wav >yes
        embed --norm no one a.wav >no
        run -1 ser-cmp --values --atol 1e-4 yes no
        same published "$([ -n "$kind" ] && echo yes || echo no)"
        strings yes | grep -qx feat.input_norm=yes
        strings no | grep -qx feat.input_norm=no
        rm -r one
    done
    fails 2 '--norm: Whisper hears mel bands that have a norm of their own, and tiny is whisper-2x16' ser-embed --norm yes tiny a.wav
    embed --norm published tiny a.wav | same - <(embed tiny a.wav)
}

@test "what cannot be: layers, folders, lengths" {
    for layer in 3 -1 1:3 2:1 1: :1 x 1.0 '' 1:2:3; do
        fails 2 '--layer: .*layers 0 to 2' ser-embed --layer "$layer" tiny a.wav
    done
    fails 2 'no encoder' ser-embed
    fails 2 'not both' ser-embed -m m.tsv tiny a.wav
    fails 4 'config.json.*No such file' ser-embed ./nowhere a.wav
    fails 4 'nowhere: no such folder, and no encoder of that name in .*/ser/encoders: get it with .ser-fetch nowhere.' ser-embed nowhere a.wav
    fails 4 'a.wav/config.json' ser-embed a.wav b.wav
    sox -R -n -r 16000 -b 16 long.wav synth 30.1 sine 100
    fails 3 'long.wav.*at most 30 s' ser-embed tiny long.wav
    run --separate-stderr ser-embed -k -o out.sert tiny a.wav long.wav b.wav
    assert_failure 3
    assert_equal "$(ser-tensor ls out.sert | cut -f 1)" "$(printf '%s\n' key a.wav b.wav)"
    sox -R -n -r 16000 -b 16 most.wav synth 30 sine 100
    embed --layer 0 tiny most.wav | ser-tensor ls | grep -q '1500x16'
    sox -R -n -r 16000 -b 16 silent.wav trim 0 0.2
    run --separate-stderr ser-embed --pool mean -o out.sert tiny silent.wav
    assert_success
    [[ $stderr = *'1 of 1 recording is silent'* ]]
}

# changed FILE EXPRESSION: the tiny encoder with one of its files changed, in the folder changed
changed() {
    rm -rf changed
    cp -rL tiny changed
    sed -i -E "$2" "changed/$1"
    ! cmp -s "tiny/$1" "changed/$1" || fail "nothing changed by $2"
}

@test "another network or another input is refused by name" {
    while read -r file expression pattern; do
        changed $file "$expression"
        fails 3 "$file: .*$pattern" ser-embed changed a.wav
    done <<'END'
config.json s/"whisper"/"bert"/ model_type.is.'bert'
config.json s/"model_type"/"type"/ no.model_type
config.json s/"gelu"/"gelu_new"/ activation_function
config.json s/"scale_embedding":.false/"scale_embedding":true/ scale_embedding
config.json s/1500/1501/ max_source_positions
config.json s/"encoder_layers":.2/"encoder_layers":0/ encoder_layers
config.json s/"encoder_layers":.2/"encoder_layers":-1/ encoder_layers
config.json s/"encoder_layers":.2/"encoder_layers":1000000000/ encoder_layers
config.json s/"encoder_layers":.2/"encoder_layers":2.5/ encoder_layers.is.not.a.whole
config.json s/"encoder_layers":.2/"encoder_layers":99999999999/ encoder_layers.is.not.a.whole
config.json s/"encoder_attention_heads":.2/"encoder_attention_heads":3/ does.not.divide
config.json s/"encoder_attention_heads":.2/"encoder_attention_heads":0/ encoder_attention_heads
config.json s/"d_model":.16/"d_model":2147483647/ d_model
config.json s/"num_mel_bins":.80/"num_mel_bins":64/ num_mel_bins
config.json s/"num_mel_bins"/"d_model":16,"num_mel_bins"/ duplicate
config.json s/^\{/{{/ not.JSON
config.json s/^\{/[/ does.not.begin
preprocessor_config.json s/16000/8000/ sampling_rate.is.8000
preprocessor_config.json s/"feature_size":.80/"feature_size":128/ feature_size.is.128
preprocessor_config.json s/400/512/ n_fft
preprocessor_config.json s/160,/320,/ hop_length
preprocessor_config.json s/0.0,$/0.1,/ dither
END
    changed config.json 's/"encoder_layers": 2/"encoder_layers": 3/'
    fails 3 "no 'model.encoder.layers.2.self_attn_layer_norm.weight'" ser-embed changed a.wav
    changed config.json 's/"encoder_ffn_dim": 24/"encoder_ffn_dim": 32/'
    fails 3 "fc1.weight' is 24x16, not 32x16" ser-embed changed a.wav
    changed config.json 's/"encoder_layers": 2/"encoder_layers": 1/'
    embed changed a.wav >/dev/null
    changed config.json 's/"max_length": null/"max_length": 448/'
    embed changed a.wav | cmp - <(embed tiny a.wav)
    changed model.safetensors 's/"steps"/"stepz"/'
    embed changed a.wav | cmp - <(embed tiny a.wav)
    # As published: the table of mel filters, which nobody reads.
    perl -i -0pe 's/(?<="mel_filters": )\[.*\]/"[" . join(", ", ("[" . join(", ", (0.25) x 201) . "]") x 80) . "]"/es' changed/preprocessor_config.json
    assert_equal "$(grep -o 0.25 changed/preprocessor_config.json | wc -l)" 16080
    embed changed a.wav | cmp - <(embed tiny a.wav)
}

@test "damaged weights are refused in one line, whatever is wrong with them" {
    local at n
    size=$(stat -Lc %s tiny/model.safetensors)
    header=$(od -An -t u8 -N 8 tiny/model.safetensors | tr -d ' ')
    cp -rL tiny bad
    for n in 0 7 8 100 $((header + 7)) $((header + 8)) $((size - 1)); do
        head -c "$n" tiny/model.safetensors >bad/model.safetensors
        fails 3 'model.safetensors' ser-embed bad a.wav
        [ "${#stderr_lines[@]}" = 1 ]
    done
    { cat tiny/model.safetensors && printf x; } >bad/model.safetensors
    fails 3 'belong to no tensor' ser-embed bad a.wav
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n' >bad/model.safetensors
    fails 3 'Git LFS pointer' ser-embed bad a.wav
    rm bad/model.safetensors
    fails 4 'neither model.safetensors nor pytorch_model.bin' ser-embed bad a.wav
    mkdir bad/model.safetensors
    fails 3 'not a regular file' ser-embed bad a.wav
    rmdir bad/model.safetensors
    # A value that is no number, in a tensor that is used.
    at=$(grep -abo '"model.encoder.conv1.bias":' tiny/model.safetensors | cut -d: -f1)
    at=$(tail -c +$((at + 1)) tiny/model.safetensors | head -c 120 | sed -E 's/.*data_offsets":\[([0-9]+),.*/\1/;q')
    cp -L tiny/model.safetensors bad/model.safetensors
    chmod +w bad/model.safetensors
    printf '\0\0\xc0\x7f' | dd of=bad/model.safetensors bs=1 seek=$((8 + header + at)) conv=notrunc status=none
    fails 3 "'model.encoder.conv1.bias' holds a value that is not finite" ser-embed bad a.wav
}

@test "packed weights are kept: one file of its weights, the same bytes, and whatever is wrong with it is made right" {
    local kept n step
    embed --layer all tiny a.wav >want
    export SER_CACHE=$PWD/some/cache
    mkdir some
    for n in 1 2; do
        embed -j "$n" --layer all tiny a.wav | same want -
        embed --layer 0 tiny a.wav >first
    done
    kept=$(echo some/cache/*)
    [[ $kept = some/cache/????????????????????????????????.packed ]]
    cp "$kept" whole
    for step in 'truncate -s 0' 'truncate -s 47' 'truncate -s 60000' 'truncate -s +1' 'flip 3' 'flip 9' 'flip 30' 'flip 33' \
        'flip 41' 'flip 50' 'flip 4096' 'flip 60000' 'cp -f tiny/config.json' rm mkfifo; do
        [ "$step" != mkfifo ] || rm "$kept"
        $step "$kept"
        embed --layer all tiny a.wav | same want -
        same whole "$kept"
    done
    # Other weights, and the same as other bytes, have files of their own; a name that lies is found out.
    rm "$kept"
    "$ROOT/tests/make-encoder" --dtype F16 half
    "$ROOT/tests/make-encoder" --seed 2 other
    embed --layer all half a.wav | same want -
    mv some/cache/*.packed "$kept"
    embed --layer all other a.wav >theirs
    embed --layer all tiny a.wav | same want -
    same whole "$kept"
    run cmp -s want theirs
    assert_failure
    [ "$(find some -type f | wc -l)" = 2 ]
    # Where nothing may be written, or others may write, there is nothing to be seen of it.
    chmod 777 some/cache
    printf x >"$kept"
    embed --layer all tiny a.wav | same want -
    [ "$(cat "$kept")" = x ]
    SER_CACHE=a.wav embed --layer all tiny a.wav | same want -
    SER_CACHE=/proc/none embed --layer all tiny a.wav | same want -
    SER_CACHE='' embed --layer all tiny a.wav | same want -
    unset SER_CACHE
    XDG_CACHE_HOME=$PWD/own embed tiny a.wav >/dev/null
    HOME=$PWD/home XDG_CACHE_HOME='' embed tiny a.wav >/dev/null
    [ "$(find own home -type f 2>&1 | wc -l)" -ge 1 ]
}

# flip BYTE FILE: another value in place of one byte
flip() {
    perl -e 'open my $f, "+<", $ARGV[1] or die; seek $f, $ARGV[0], 0; read $f, my $b, 1; seek $f, $ARGV[0], 0;
        print {$f} chr(ord($b) ^ 1)' "$1" "$2"
}

@test "pytorch_model.bin: damaged, compressed, harmful ones are refused in one line" {
    "$ROOT/tests/make-encoder" --torch torch
    embed torch a.wav | cmp - <(embed tiny a.wav)
    mv torch/pytorch_model.bin kept
    size=$(stat -c %s kept)
    for n in 0 21 22 1000 $((size / 2)) $((size - 22)) $((size - 1)); do
        head -c "$n" kept >torch/pytorch_model.bin
        fails 3 'torch/pytorch_model.bin' ser-embed torch a.wav
        [ "${#stderr_lines[@]}" = 1 ]
    done
    refused() { # refused EXPRESSION PATTERN: the file with every match of another text of as many bytes
        perl -0777 -pe "$1" kept >torch/pytorch_model.bin
        ! cmp -s kept torch/pytorch_model.bin || fail "nothing changed by $1"
        fails 3 "pytorch_model.bin: .*$2" ser-embed torch a.wav
        [ "${#stderr_lines[@]}" = 1 ]
    }
    refused 's/collections\nOrderedDict/posix\nsystem__________X/' 'no dictionary of tensors needs'
    refused 's/_rebuild_tensor_v2/_rebuild_tensor_v3/' 'no dictionary of tensors needs'
    refused 's/data\.pkl/data.pkx/g' 'no data.pkl'
    refused 's/little/bigbig/' 'big-endian'
    refused 's/byteorder/code\/a.py/g' 'TorchScript'
    refused 's/data\/0/data\/x/g' 'storage is missing'
    refused 's/_metadata/_metadatx/' 'a state that it should not have'
    refused 's/\x80\x02ccoll/\x80\x04ccoll/' 'protocol 2'
    refused 's/ctorch\nFloatStorage/ctorch\nHalfStorage\n/' .
    printf '\x80\x02\x8a\x0alF' >torch/pytorch_model.bin
    fails 3 'before 1.6' ser-embed torch a.wav
}

@test "several files: the index is held to them" {
    "$ROOT/tests/make-encoder" --shards 2 shards
    index=shards/model.safetensors.index.json
    cp $index kept
    sed 's/model-00001-of/..\/model-00001-of/' kept >$index
    fails 3 'not a name beside it' ser-embed shards a.wav
    sed 's/00001-of-00002/00002-of-00002/' kept >$index
    fails 3 'is not in model-00002' ser-embed shards a.wav
    sed 's/weight_map/map/' kept >$index
    fails 3 'no weight_map' ser-embed shards a.wav
    cp kept $index
    cp shards/model-00001-of-00002.safetensors shards/model-00002-of-00002.safetensors
    fails 3 'comes twice' ser-embed shards a.wav
    rm shards/model-00002-of-00002.safetensors
    fails 4 'model-00002-of-00002.safetensors' ser-embed shards a.wav
}

@test "networks that cannot be computed: the reference's (SER_REFERENCE)" {
    if [ -z "${SER_REFERENCE:-}" ]; then
        echo "# left out: SER_REFERENCE is not set" >&3
        return 0
    fi
    local folder n=0
    for folder in "$SER_REFERENCE"/encoders/negative/model-*; do
        fails 3 . ser-embed "$folder" a.wav
        [ "${#stderr_lines[@]}" = 1 ] || fail "$folder: $stderr"
        n=$((n + 1))
    done
    [ "$n" -ge 18 ]
}
