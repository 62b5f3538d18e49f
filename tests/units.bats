#!/usr/bin/env bats
# The unit programs: each prints a line "ok - ..." or "not ok - ..." a check, and exits 1 if one failed.
load helper

# What a program says it left out goes to the terminal, and so do its failed checks.
unit() {
    local name=$1 code=0
    shift
    (cd "$ROOT" && "$BUILD/unit/$name" "$@") >"$name.txt" 2>&1 || code=$?
    sed -n 's/^# left out/# left out/p' "$name.txt" >&3
    if [ "$code" != 0 ] || grep -q '^not ok' "$name.txt"; then
        grep -v '^ok' "$name.txt"
        fail "$name exits with $code"
    fi
    grep -q '^ok' "$name.txt" || fail "$name checked nothing"
}

reference() { # the folder NAME of the reference data, if there is one
    [ -z "${SER_REFERENCE-}" ] || echo "$SER_REFERENCE/$1"
}

@test "core: numbers, text, input and output, tables, jobs" {
    unit test_core
}

@test "tensor: every cut, every flipped bit, attributes, NumPy arrays" {
    unit test_tensor
}

@test "model: checksums that are right, content that is not" {
    unit test_model
}

@test "soft: what a teacher thinks of each sample, and tables that are refused" {
    unit test_soft
}

@test "html: what of data becomes of text, base64, tables" {
    unit test_html
}

@test "mfcc: against the golden files, then the reference" {
    unit test_mfcc "$ROOT/tests/golden/mfcc"
    if [ -n "${SER_REFERENCE-}" ]; then
        unit test_mfcc "$SER_REFERENCE/mfcc"
    else
        echo "# left out: the reference MFCC; set SER_REFERENCE" >&3
    fi
}

@test "features: silence cut off, padding, rows normalised, pitch, moments" {
    unit test_features
}

@test "audio: formats, channels, cut and damaged files" {
    unit test_audio
}

@test "audio: layouts of WAV headers, as other readers test them" {
    unit test_headers
}

@test "windows: of sound in pieces, against the samples cut out" {
    unit test_windows
}

@test "speech: syllables, and what is none, at several rates and levels" {
    unit test_speech
}

@test "effects: noise, time shift, pitch" {
    unit test_effects
}

@test "nn: layers, gradients, training" {
    # shellcheck disable=SC2046 # no folder, no argument
    unit test_nn $(reference seednet)
}

@test "layers: held to PyTorch and to the slopes of the loss" {
    unit test_layers
}

@test "keras: rows of layers, loss, Adam, callbacks" {
    unit test_keras
}

@test "kernels: each is held to the plain one" {
    unit test_kernels
}

@test "vary: what training makes of features, and of two samples" {
    unit test_vary
}

@test "optim: AdamW, averages of weights, how often samples come, frozen layers" {
    unit test_optim
}

@test "search: who goes on, what is drawn" {
    unit test_search
}

@test "tuning: ranks, groups, shares; the results of a search" {
    unit test_tuning
}

@test "overtime: what is said over time, and when a new emotion is named" {
    unit test_overtime
}

@test "identity: training with the plain kernels ends in known bytes" {
    unit test_identity
}

@test "encoder: against its formulas, then the reference" {
    "$ROOT/tests/make-encoder" whisper
    "$ROOT/tests/make-encoder" --family hubert hubert
    "$ROOT/tests/make-encoder" --family wav2vec2 --stable wav2vec2-stable
    "$ROOT/tests/make-encoder" --family wavlm wavlm
    "$ROOT/tests/make-encoder" --family wavlm --stable wavlm-stable
    unit test_encoder tiny "$PWD"/{whisper,hubert,wav2vec2-stable,wavlm,wavlm-stable}
    if [ -n "${SER_REFERENCE-}" ]; then
        unit test_encoder reference "$SER_REFERENCE/encoders"
    else
        echo "# left out: the reference of encoders; set SER_REFERENCE" >&3
    fi
}

@test "every unit program is run here" {
    for source in "$ROOT"/tests/unit/test_*.c; do
        name=$(basename "$source" .c)
        grep -q "unit $name" "$ROOT/tests/units.bats" || fail "$name is not run"
    done
}
