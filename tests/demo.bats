# Generated speech, and the demonstration made of it.
# bats file_tags=slow
load helper
bats_require_minimum_version 1.5.0

corpus() {
    "$ROOT/pipelines/bin/generate-speech" "$@"
}

@test "the same bytes on every run and for any number of jobs" {
    # Of every voice, in another second: some of espeak-ng's voices would depend on the clock.
    corpus -u 2 -j 1 a
    sleep 1
    corpus -u 2 -j 3 b
    diff -r a b
    corpus -s 1 -u 8 -n 2 c
    run cmp -s a/Actor_01/03-01-01-01-01-01-01.wav c/Actor_01/03-01-01-01-01-01-01.wav
    assert_failure 1
    run cmp -s a/Actor_01/03-01-01-01-01-01-01.wav a/Actor_02/03-01-01-01-01-01-02.wav
    assert_failure 1
}

@test "60 utterances are RAVDESS' own names and counts" {
    corpus -s 1 -u 60 'a "b'
    run ser-manifest --corpus ravdess 'a "b'
    assert_line --partial ravdess_03-01-08-02-02-02-01
    assert_equal "$(find . -name '*.wav' | cut -d - -f 3 | sort | uniq -c | awk '{printf "%s:%d ", $2, $1}')" \
        "01:4 02:8 03:8 04:8 05:8 06:8 07:8 08:8 "
}

@test "all three corpora under their own names, in the parts' own counts" {
    corpus --corpora -s 3 -u 3 a
    for f in ravdess_data/Actor_03/03-01-03-01-01-01-03 savee_data/JK/f01 crema_d_data/1003_DFA_FEA_XX; do
        [ -s "a/$f.wav" ] || fail "$f.wav is not there"
    done
    assert_equal "$(find a -name '*.wav' | wc -l)" 27
    corpus --corpora -u 120 -e all
    for c in ravdess savee cremad; do
        ser-manifest --no-quarantine --strict --corpus $c "all/${c/cremad/crema_d}_data" | tail -n +2
    done | cut -f 3,6 | sort | uniq -c | awk '{printf "%s %s %d\n", $2, $3, $1}' >counts
    printf '%s\n' cremad\ {angry,disgust,fearful,happy,sad}\ 1274 'cremad neutral 1092' \
        ravdess\ {angry,calm,disgust,fearful,happy}\ 192 'ravdess neutral 96' ravdess\ {sad,surprised}\ 192 \
        savee\ {angry,disgust,fearful,happy}\ 60 'savee neutral 120' savee\ {sad,surprised}\ 60 | sort >expected
    diff counts expected
}

@test "speech that the corpora's own check finds good" {
    corpus -s 2 -u 16 a
    ser-manifest --corpus ravdess --check --no-quarantine a >m.tsv 2>said
    assert_equal "$(wc -l <m.tsv)" 33
    run grep -v 'clips, should have\|wrong counts\|without any clip' said
    assert_output ""
}

@test "wrong calls are refused" {
    mkdir there
    fails 2 'there: exists already' corpus there
    fails 2 '^generate-speech: -s 25: expected a whole number from 1 to 24' corpus -s 25 a
    fails 2 '^generate-speech: -u 08: expected a whole number' corpus -u 08 a
    fails 2 'expected exactly one folder' corpus
    fails 2 'unknown option -x' corpus -x a
    run corpus --help
    assert_success
}

@test "without espeak-ng and sox it names them and how to get them" {
    mkdir bin
    ln -s "$(command -v bash)" "$(command -v nproc)" bin
    fails 4 '^generate-speech: missing: espeak-ng sox \(on Debian: apt-get install espeak-ng sox\)$' \
        env PATH="$PWD/bin" bash "$ROOT/pipelines/bin/generate-speech" a
}

@test "a failure in the middle leaves nothing behind" {
    mkdir bin
    printf '%s\n' '#!/bin/bash' "[[ \$* != *03-01-05* ]] && exec '$(command -v sox)' \"\$@\"" 'cat >/dev/null; exit 1' >bin/sox
    chmod +x bin/sox
    PATH=$PWD/bin:$PATH fails 4 '03-01-05-01-01-01-0[12].wav: espeak-ng or sox failed' corpus -s 2 -u 8 new
    run compgen -G 'new*'
    assert_failure 1
}

@test "a run that is killed leaves nothing behind" {
    "$ROOT/pipelines/bin/generate-speech" -s 24 -u 60 new &
    sleep 0.5
    compgen -G 'new.*'
    kill -TERM $!
    wait $! || assert_equal $? 143
    assert_equal "$(ls)" ""
}

@test "the demonstration ends with the study's table, its accuracy and what chance is" {
    printf 'speaker\tpart\n' >parts.tsv
    printf '%s\ttrain\n%s\ttrain\n%s\tval\n%s\ttest\n' ravdess_0{1,2,3,4} savee_{DC,JE,JK,KL} cremad_100{1,2,3,4} >>parts.tsv
    printf '%s\n' 'maxpool 8x8' 'reshape 105x1' mean 'dense classes' >tiny.net
    demo() {
        make -f "$ROOT/pipelines/demo.mk" BUILD="$BUILD" VOICES=4 UTTERANCES=8 PARTS=parts.tsv NET=tiny.net EPOCHS=1 "$@"
    }
    demo -s >first
    # Six, seven and eight utterances have the six emotions; SAVEE's and CREMA-D's first comes twice.
    run tail -n 1 first
    predictions=out/demo/split/combined/combined.1/predictions.tsv
    right=$(awk -F '\t' 'NR > 1 && $2 == $3 {n++} END {printf "%.3f", n / (NR - 1)}' "$predictions")
    assert_output "accuracy=$right chance=0.238 speakers=3 utterances=21 (generated speech)"
    for what in manifest features model predictions scores log; do
        file=$(awk -v what="$what" '$1 == what && NF > 1 && $2 ~ "^out/" {print $2}' first)
        [ -s "$file" ] || fail "$what: $file is not there"
    done
    # The mark goes from the folder to the model, which has no other speech than this.
    assert_equal "$(awk -F '\t' '{for (i = 1; i <= NF; i++) if (NR == 1 && $i == "generated") c = i; print $c}' \
        out/demo/manifest.tsv | sort | uniq -c | wc -l)" 2
    ser-tensor ls -H out/demo/split/combined/combined.1/model.bin | grep -qx 'train.generated=yes'
    run demo -s
    for stage in baseline augmented attention combined; do
        assert_line --regexp "^$stage +ravdess.* generated\$"
    done
    assert_line "accuracy=$right chance=0.238 speakers=3 utterances=21 (generated speech)"
    run demo -n
    assert_output "make: Nothing to be done for 'all'."
    run demo -s rerun
    assert_success
    assert_line --regexp '^the same: [0-9]+ streams, 4 models, 4 logs, [0-9]+ tables$'
    run demo -s OUT=out/demo.rerun clean
    [ ! -e out/demo.rerun ] || fail "$(ls out/demo.rerun)"
}
