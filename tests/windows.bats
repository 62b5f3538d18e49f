#!/usr/bin/env bats
# ser-mfcc --every: windows of sound as it comes, from files, pipes, streams and manifests.
load helper

small='--rate 8000 --window 256 --hop 128 --bands 16 --coefs 8 --frames 20'

# sound FILE SECONDS [SOX OUTPUT OPTION...]
sound() {
    sox -R -n -r 8000 -b 16 "${@:3}" "$1" synth "$2" sine 200-2000 tremolo 3 60 gain -6
}

# windows ARGUMENT...
windows() {
    # shellcheck disable=SC2086 # words
    ser-mfcc $small --every 0.16 "$@"
}

# the values of two streams are the same, whatever their keys
same_values() {
    run ser-cmp --values --atol 0 "$1" "$2"
    assert_success
}

@test "keys, times and attributes; start rounded to whole hops" {
    sound a.wav 1
    windows a.wav >a.sert
    run ser-tensor ls -c frames,start_s,end_s,level_db,silent a.sert
    assert_line --index 1 --regexp $'^a.wav@0.000\tf32\t8x20\t20\t0.000\t0.304\t-[0-9]+\.[0-9]\t'
    assert_line --index 2 --regexp $'^a.wav@0.160\t.*\t0.160\t0.464\t'
    assert_equal "${#lines[@]}" 6
    # shellcheck disable=SC2086
    run bash -c "ser-mfcc $small --every 0.1 a.wav | ser-tensor ls -c start_s | sed -n 3p"
    assert_output $'a.wav@0.096\tf32\t8x20\t0.096'
    run ser-tensor ls -H a.sert
    # shellcheck disable=SC2086
    [ "$output" = "$(ser-mfcc $small a.wav | ser-tensor ls -H)" ] || fail "the header is another"
}

@test "a window is its samples cut out, but for the two frames at each end" {
    sound a.wav 1
    sox a.wav cut.wav trim 1280s 2432s
    # shellcheck disable=SC2086
    ser-mfcc $small --top-db 0 cut.wav | ser-tensor text | tail -n +2 >cut.txt
    # shellcheck disable=SC2086
    ser-mfcc $small --top-db 0 --every 0.16 a.wav | ser-tensor cat -k a.wav@0.160 | ser-tensor text | tail -n +2 >window.txt
    inner() { sed 's/[][]//g' "$1" | awk '{ for (i = 2; i < NF; i++) printf "%s ", $i; print "" }'; }
    [ "$(wc -l <cut.txt)" -ge 8 ]
    diff <(inner cut.txt) <(inner window.txt)
    run diff cut.txt window.txt
    assert_failure 1
}

@test "a recording no longer than a window makes what ser-mfcc makes of it" {
    for seconds in 0.1 0.304 0.319; do
        sound a.wav $seconds
        windows a.wav >a.sert
        # shellcheck disable=SC2086
        ser-mfcc -q $small a.wav >b.sert
        same_values a.sert b.sert
    done
    sound tick.wav 0.005
    windows tick.wav | ser-tensor ls -c end_s | grep -q $'tick.wav@0.000\tf32\t8x20\t0.005'
}

@test "files, standard input, pipes, raw samples: the same windows" {
    sound a.wav 1
    windows a.wav >a.sert
    windows <a.wav >want.sert
    same_values a.sert want.sert
    cat a.wav | windows >b.sert
    same want.sert b.sert
    sox a.wav -t wav - | windows >b.sert # whose header does not know its length
    same want.sert b.sert
    sox a.wav -t au - | windows >b.sert
    same want.sert b.sert
    for format in 's16le -e signed -b 16 -L' 's16be -e signed -b 16 -B' 's24le -e signed -b 24 -L' \
        's32be -e signed -b 32 -B' 'f32le -e float -b 32 -L' 'f64be -e float -b 64 -B'; do
        read -r name options <<<"$format"
        # shellcheck disable=SC2086
        sox a.wav -t raw $options - | windows --raw "$name:8000:1" >b.sert
        same want.sert b.sert
    done
    sox a.wav -t raw a.raw
    windows --raw s16le:8000:1 a.raw >b.sert
    same_values b.sert want.sert
    for format in '-e mu-law -b 8' '-e a-law -b 8' '-e unsigned -b 8' '-b 24' '-b 32' '-e float -b 32' '-e float -b 64'; do
        # shellcheck disable=SC2086
        sox a.wav $format -c 3 x.wav
        windows x.wav >file.sert
        cat x.wav | windows >pipe.sert
        same_values file.sert pipe.sert
    done
}

@test "FLAC and Ogg come through a pipe as from a file; what must be read whole for it is said" {
    local format
    sound a.wav 1
    for format in flac ogg aiff; do
        sox a.wav x.$format
        windows <x.$format >file.sert 2>said
        [ ! -s said ]
        dd if=x.$format bs=777 status=none | windows >pipe.sert 2>said
        same file.sert pipe.sert
        [ $format = aiff ] || [ ! -s said ]
    done
    windows <a.wav >want.sert
    same want.sert pipe.sert
    grep -q '^ser-mfcc: <stdin>: this format is read to its end before the first window' said
    head -c 4000 x.flac >cut.flac
    fails 3 '<stdin>: cut short: has [0-9]* of 8000 frames' bash -c "cat cut.flac | ser-mfcc $small --every 0.16 -o cut.sert"
}

@test "other rates are resampled as they come" {
    sound a.wav 2 -r 11025
    windows a.wav >a.sert
    cat a.wav | windows >b.sert
    same_values a.sert b.sert
    # shellcheck disable=SC2086
    ser-mfcc -q $small --frames 0 a.wav | ser-tensor ls -c frames | tail -n 1 >all.txt
    # shellcheck disable=SC2086
    ser-mfcc $small --frames "$(cut -f 4 all.txt)" --every 1 a.wav >c.sert
    # shellcheck disable=SC2086
    ser-mfcc -q $small --frames 0 a.wav >d.sert
    same_values c.sert d.sert # of the whole, so with the resampler's very samples
}

@test "records leave while their source is still open" {
    local part size i
    sound a.wav 2
    sox a.wav a.flac
    mkfifo live
    windows <a.wav | ser-tensor head -n 1 >one.sert
    windows <a.wav >want.sert
    for part in a.wav:8044 a.flac:15000; do # a header, and the sound of two windows
        windows <live >out.sert 2>said &
        exec 7>live
        head -c "${part#*:}" "${part%:*}" >&7
        for ((i = 0; i < 1200 && $(stat -c %s out.sert) <= $(stat -c %s one.sert); i++)); do sleep 0.05; done
        size=$(stat -c %s out.sert)
        tail -c "+$((${part#*:} + 1))" "${part%:*}" >&7
        exec 7>&-
        wait $!
        [ "$size" -gt "$(stat -c %s one.sert)" ] || fail "$part: only $size bytes left"
        same out.sert want.sert
    done
}

@test "a manifest and a stream of audio: attributes stay" {
    sound a.wav 1
    sound b.wav 0.7
    printf 'id\tpath\temotion\tspeaker\n1\ta.wav\thappy\tx\n2\tb.wav\tsad\ty\n' >m.tsv
    windows -m m.tsv >m.sert
    run ser-tensor ls -c emotion,speaker m.sert
    assert_line $'1@0.000\tf32\t8x20\thappy\tx'
    assert_line $'2@0.320\tf32\t8x20\tsad\ty'
    ser-augment -q --any-part --rate 8000 --keep m.tsv | windows >s.sert
    same_values s.sert m.sert
}

@test "bad input: its message, its exit code, and the windows before it" {
    sound a.wav 1
    fails 2 '--every.*0.01' ser-mfcc --every 0 a.wav
    fails 2 '--raw goes with --every' ser-mfcc --raw s16le:8000:1 a.wav
    fails 2 'give --frames' ser-mfcc --frames 0 --every 1 a.wav
    for raw in s16 s16le:8000 s16le:8000:1:2 s17le:8000:1 s16le:10:1 s16le:8000:0 f64le:8000:513 :8000:1; do
        fails 2 "--raw '$raw': " ser-mfcc --every 1 --raw $raw a.wav
    done
    ser-augment -q --any-part --keep <(printf 'id\tpath\temotion\tspeaker\n1\ta.wav\thappy\tx\n') -o audio.sert
    fails 2 'is a tensor stream' windows --raw s16le:8000:1 <audio.sert
    fails 3 'empty input' windows </dev/null
    fails 4 'gone.wav: cannot open' windows gone.wav
    head -c 9000 a.wav >cut.wav
    run --separate-stderr bash -c "cat cut.wav | ser-mfcc $small --every 0.16 -o out.sert"
    assert_equal "$status" 3
    [[ $stderr = *"<stdin>: cut short: has 4478 of 8000 frames"* ]]
    [ ! -e out.sert ]
    cat a.wav a.wav >two.wav
    run --separate-stderr bash -c "cat two.wav | ser-mfcc $small --every 0.16 -o out.sert"
    assert_equal "$status" 3
    [[ $stderr = *"another recording follows behind 1.000 s"* ]]
    # Behind a chunk, too; of a file it is known before the first window, whoever reads it.
    run --separate-stderr bash -c "{ cat a.wav && printf 'LIST\4\0\0\0INFO' && cat a.wav; } | ser-mfcc $small --every 0.16 -o out.sert"
    [[ $stderr = *"another recording follows behind 1.000 s"* ]]
    fails 3 'two.wav: another recording follows from byte 16044 on' ser-mfcc --every 0.16 two.wav
    fails 3 '<stdin>: another recording follows from byte 16044 on' windows <two.wav
    fails 3 'two.wav: another recording follows from byte 16044 on' ser-mfcc two.wav
    fails 3 'this is a WAV file, whose header tells its rate: leave out --raw' ser-mfcc --every 0.5 --raw s16le:16000:1 <a.wav
    { sox a.wav -t raw -e float -b 32 -; printf '\0\0\300\177'; } >nan.raw
    run --separate-stderr bash -c "ser-mfcc $small --every 0.16 --raw f32le:8000:1 -o out.sert <nan.raw"
    assert_equal "$status" 3
    [[ $stderr = *"frame 8000 is not a finite number"* ]]
    printf 'id\tpath\temotion\tspeaker\n1\tcut.wav\thappy\tx\n2\ta.wav\tsad\ty\n' >m.tsv
    run bash -c "ser-mfcc -k $small --every 0.16 -m m.tsv -o out.sert"
    assert_equal "$status" 3
    assert_output --partial '1 of 2 recordings was skipped'
    ser-tensor ls out.sert | grep -q '^2@0.000'
}

@test "a second fmt chunk that says nothing of use is no trap" {
    { printf 'RIFF\x68\0\0\0WAVE'
      printf 'fmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0'
      printf 'fmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\0\0\0\0'
      printf 'data\x20\0\0\0'; head -c 32 /dev/zero; } >two.wav
    run --separate-stderr bash -c "cat two.wav | ser-mfcc $small --every 0.16 -o out.sert"
    assert_equal "$status" 3
    [[ $stderr = *"ser-mfcc: <stdin>: "* ]]
}

@test "a reader that closes ends it" {
    run bash -c "set -o pipefail; sox -R -n -r 8000 -b 16 -t raw - synth 1000 sine 300 | ser-mfcc $small --every 0.16 --raw s16le:8000:1 | head -c 1000 | wc -c"
    assert_output --partial 1000
}

# a model of windows of 20 frames
small_model() {
    sound a.wav 0.4
    sox -R -n -r 8000 -b 16 b.wav synth 0.4 pinknoise
    printf 'id\tpath\temotion\tspeaker\n1\ta.wav\thappy\tx\n2\tb.wav\tsad\tx\n' >train.tsv
    sox a.wav c.wav vol 0.5
    sox b.wav d.wav vol 0.5
    printf 'id\tpath\temotion\tspeaker\n3\tc.wav\thappy\ty\n4\td.wav\tsad\ty\n' >val.tsv
    # shellcheck disable=SC2086
    for part in train val; do ser-mfcc -q $small -m $part.tsv -o $part.sert; done
    printf '%s\n' 'maxpool 8x10' 'reshape 2x1' mean 'dense classes' >tiny.net
    ser-train -q --kernels plain --net tiny.net --val val.sert --epochs 1 -o model.bin train.sert
}

@test "ser-score: when, how much speech, how loud; - where there is too little" {
    small_model
    espeak-ng -v en -w say.wav 'tell me what you did on the way home'
    sox -R say.wav -r 8000 -b 16 a.wav pad 1.2 0.8
    ser-mfcc --like model.bin --every 0.16 a.wav >a.sert
    ser-score --kernels plain model.bin a.sert >p.tsv
    head -n 1 p.tsv | grep -q $'\tspeaker\tcorpus\tsex\tstart_s\tend_s\tspeech\tlevel_db$'
    tail -n +2 p.tsv | awk -F'\t' '($3 == "-") != ($12 < 0.3) || NF != 13 { exit 1 } { n[$3 == "-"]++ }
        END { exit !n[0] || !n[1] }'
    [ "$(cut -f 10-13 p.tsv | tail -n +2)" = "$(ser-tensor ls -c start_s,end_s,speech,level_db a.sert | tail -n +2 | cut -f 4-)" ]
    ser-score --kernels plain --min-speech 0 model.bin a.sert >all.tsv
    [ "$(tail -n +2 all.tsv | awk -F'\t' '$3 == "happy" || $3 == "sad"' | wc -l)" = "$(($(wc -l <p.tsv) - 1))" ]
    diff <(cut -f 1,2,4- p.tsv) <(cut -f 1,2,4- all.tsv)
    ser-score --kernels plain model.bin val.sert | head -n 1 | grep -q $'\tsex$'
    ser-tensor head -n 0 a.sert | ser-score --kernels plain model.bin | grep -q $'\tsex$'
    fails 2 'min-speech' ser-score --min-speech 1.5 model.bin a.sert
}

@test "ser-score: a row leaves while its source is still open" {
    small_model
    sound a.wav 2
    mkfifo live
    ser-mfcc --like model.bin --every 0.16 <live 2>said | ser-score --kernels plain model.bin >p.tsv &
    exec 7>live
    head -c 8044 a.wav >&7
    for ((i = 0; i < 1200 && $(wc -l <p.tsv) < 3; i++)); do sleep 0.05; done
    rows=$(wc -l <p.tsv)
    tail -c +8045 a.wav >&7
    exec 7>&-
    wait $!
    [ "$rows" = 3 ] || fail "$rows rows, not a head and two"
    ser-mfcc --like model.bin --every 0.16 <a.wav | ser-score --kernels plain model.bin | cmp - p.tsv
}

@test "ser-eval counts rows without speech apart" {
    printf 'id\temotion\tpredicted\tconfidence\tp_happy\tp_sad\tspeaker\n' >p.tsv
    printf '%s\thappy\thappy\t0.7\t0.7\t0.3\tx\n' 1 2 >>p.tsv
    printf '%s\tsad\thappy\t0.7\t0.7\t0.3\ty\n' 3 >>p.tsv
    cp p.tsv without.tsv
    printf '%s\tsad\t-\t0.7\t0.7\t0.3\ty\n' 4 5 >>p.tsv
    printf '%s\t-\t-\t0.7\t0.7\t0.3\ty\n' 6 >>p.tsv
    ser-eval p.tsv >p.txt 2>said
    grep -q '^without speech, apart *2$' p.txt
    grep -q 'p.tsv: 1 utterance of unknown emotion is left out; 2 utterances without speech, predicted -, are left out$' said
    diff <(ser-eval without.tsv) <(grep -v '^without speech' p.txt)
    ser-eval --tsv p.tsv 2>said | grep '^pooled.no_speech.-.-.2$'
    ser-eval --json p.tsv 2>said | grep '"no_speech":2$\|"no_speech":2,'
    [ "$(ser-vote p.tsv p.tsv | cut -f 3 | tr '\n' ' ')" = 'predicted happy happy happy - - - ' ]
    grep $'^id\|\t-\t' p.tsv >none.tsv
    fails 3 'none.tsv: no emotion is predicted' ser-eval none.tsv
}
