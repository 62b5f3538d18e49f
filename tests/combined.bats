# The study of four stages: its table, its certificates, what is rebuilt when, and the same again.
# bats file_tags=slow
load helper
bats_require_minimum_version 1.5.0

setup_file() {
    export RUN=$BATS_FILE_TMPDIR/finished
    mkdir "$RUN"
    cd "$RUN" || return 1
    "$ROOT/pipelines/bin/generate-speech" --corpora -s 4 -u 8 speech
    printf 'speaker\tpart\n%s\ttrain\n%s\ttrain\n%s\tval\n%s\ttest\n' ravdess_0{1,2,3,4} >listed.tsv
    cp listed.tsv parts.tsv
    printf '%s\ttrain\n%s\ttrain\n%s\tval\n%s\ttest\n' savee_{DC,JE,JK,KL} cremad_100{1,2,3,4} >>parts.tsv
    printf '%s\n' 'conv 2 3x3 relu' 'maxpool 8x8' 'reshape 84x2' mean 'dense classes' >tiny.net
    study -j2
}

setup() {
    cp -a "$RUN" "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
}

# study ARGUMENT...: all stages on the small corpora
study() {
    make -f "$ROOT/pipelines/combined.mk" BUILD="$BUILD" OUT=out RAVDESS=speech/ravdess_data SAVEE=speech/savee_data \
        CREMAD=speech/crema_d_data MANIFEST=--no-quarantine listed.PARTS=listed.tsv combined.PARTS=parts.tsv \
        NET=tiny.net EPOCHS=2 BATCH=8 THREADS=1 "$@"
}

# made ARGUMENT...: what a run with these arguments makes anew, by its place under out, sorted
made() {
    state >before
    study "$@" >log 2>&1 || fail "$(cat log)"
    state | comm -13 before - | sed 's/ .*//'
}

state() {
    find out -type f -size +0 ! -name times.tsv -printf '%P %T@\n' | sort
}

finished() {
    run study -n "$@"
    assert_success
    assert_output "make: Nothing to be done for 'all'."
}

# value FILE PART WHAT: of a certificate
value() {
    awk -F '\t' -v part="$2" -v what="$3" '$1 == part && $2 == what {print $3}' "$1"
}

@test "a finished study has nothing to be done, by any of its names" {
    finished
    for stage in baseline augmented attention combined; do
        run study -n "$stage"
        assert_output "make: Nothing to be done for '$stage'."
    done
}

@test "its page: an overview with the figures of the table" {
    ser-report -n 0 out >page.html
    perl "$ROOT/tests/well-formed.pl" page.html
    for name in baseline augmented attention combined; do
        accuracy=$(awk -F '\t' -v name="$name" '$1 == name {print $7}' out/results.tsv)
        grep -q "^<tr><td>$name</td><td class=\"n\">${accuracy}[ <]" page.html
    done
    assert_equal "$(grep -o '<h3>[^<]*' page.html | sed '/Network/d; s/.*>//' | xargs)" "combined listed random1"
}

@test "one row a stage, with the notebook's figure beside it" {
    run cut -f 1-6,10- out/results.tsv
    assert_output "$(printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
        stage data net protocol n speakers notebook generated \
        baseline ravdess tiny 'random 70/15/15' "$(awk 'END {print NR - 1}' out/split/random1/baseline.1/predictions.tsv)" \
        "$(cut -f 2-99 out/split/random1/baseline.1/predictions.tsv | grep -o 'ravdess_0[1-4]' | sort -u | wc -l)" 57.4 generated \
        augmented 'ravdess x3' tiny 'listed speakers' 8 1 13.3 generated \
        attention 'ravdess x3' tiny 'listed speakers' 8 1 60.6 generated \
        combined 'ravdess savee cremad x3' tiny 'listed speakers' 21 3 50.5 generated)"
    right=$(awk -F '\t' 'NR > 1 && $2 == $3 {n++} END {printf "%.1f", 100 * n / (NR - 1)}' \
        out/split/combined/combined.1/predictions.tsv)
    assert_equal "$(awk -F '\t' '$1 == "combined" {print $7}' out/results.tsv)" "$right"
    run study
    assert_line --regexp '^combined +ravdess savee cremad x3 +tiny +listed speakers +21 +3 .* 50.5 +generated$'
}

@test "the networks and options are those of the notebook's stages" {
    # A dry run stops at nothing, so it tells each stage's command.
    make -n -f "$ROOT/pipelines/combined.mk" BUILD="$BUILD" OUT=new RAVDESS=speech/ravdess_data SAVEE=speech/savee_data \
        CREMAD=speech/crema_d_data >commands
    options() {
        grep -o -- "--net .*/$1/model.bin.*--min-lr [^ ]*" commands |
            sed -E 's,--net [^ ]*/([^/ ]*) --val.*--epochs,\1 --epochs,; s/ +/ /g'
    }
    assert_equal "$(options random1/baseline.1)" \
        "baseline.net --epochs 40 --batch 32 --lr 0.001 --patience 20 --lr-patience 0 --lr-factor 0.2 --min-lr 1e-6"
    assert_equal "$(options listed/augmented.1)" \
        "baseline-scaled.net --epochs 40 --batch 32 --lr 0.001 --patience 20 --lr-patience 0 --lr-factor 0.2 --min-lr 1e-6"
    assert_equal "$(options listed/attention.1)" \
        "attention-scaled.net --epochs 40 --batch 32 --lr 0.001 --patience 15 --lr-patience 5 --lr-factor 0.2 --min-lr 1e-6"
    assert_equal "$(options combined/combined.1)" \
        "attention.net --epochs 20 --batch 100 --lr 0.001 --patience 15 --lr-patience 5 --lr-factor 0.2 --min-lr 1e-6"
    for net in baseline attention; do
        diff <(grep -v '^#' "$ROOT/pipelines/nets/$net.net" | sed '1i scale max') \
            <(grep -v '^#' "$ROOT/pipelines/nets/$net-scaled.net")
    done
}

@test "training is times three, other parts are as they are" {
    ser-tensor ls out/split/listed/train.sert >train
    assert_equal "$(grep -c 'ravdess_03' train)" 48
    assert_equal "$(grep -c '#noise' train) $(grep -c '#pitch' train)" "16 16"
    run grep -c '#' <(ser-tensor ls out/split/combined/test.sert | cut -f 1-2)
    assert_output 0
}

@test "a certificate says what is in each part and what parts share" {
    certificate=out/split/combined/certificate.tsv
    assert_equal "$(value $certificate train utterances) $(value $certificate train speakers)" "42 6"
    assert_equal "$(value $certificate test corpus.savee) $(value $certificate val emotion.sad)" "7 3"
    assert_equal "$(value $certificate test sha256.id)" \
        "$(tail -n +2 out/split/combined/combined.1/predictions.tsv | cut -f 1 | sort | sha256sum | cut -d ' ' -f 1)"
    assert_equal "$(value $certificate all shared.speakers) $(value $certificate all shared.audio)" "0 0"
    assert_equal "$(value out/split/random1/certificate.tsv all shared.speakers)" 4
    # One utterance moved to another part is seen.
    awk -F '\t' -v OFS='\t' 'NR == 2 {$NF = $NF == "val" ? "test" : "val"} 1' out/split/combined/manifest.tsv >moved.tsv
    run -1 --separate-stderr ser-split --certificate -o moved moved.tsv
    assert_equal "$(value moved all shared.speakers)" 1
    awk -F '\t' -v OFS='\t' 'NR > 1 {$(NF - 1) = "same"} 1' out/split/combined/manifest.tsv >copied.tsv
    run -1 --separate-stderr ser-split --certificate -o copied copied.tsv
    assert_equal "$(value copied all shared.audio)" 1
}

@test "an option of one stage rebuilds that stage and the table" {
    run made attention.EPOCHS=3
    assert_output "$(printf '%s\n' results.tsv results.txt results/attention.tsv scores.tsv scores.txt \
        split/listed/attention.1/{log.tsv,model.bin,options,predictions.tsv})"
    finished attention.EPOCHS=3
}

@test "other jobs, other threads, a touched README: nothing to be done" {
    touch README.md
    finished -j3 JOBS=5 THREADS=2 -W README.md -W "$ROOT/README.md"
}

@test "an option of the features rebuilds all of them and no split" {
    run made FEATURES='--hop 600'
    refute_line --regexp '(manifest|certificate|speakers/.*)\.tsv$'
    # Of each speaker and part that there is, also at random; the table is the same but for the scores.
    assert_equal "$(printf '%s\n' "${lines[@]}" | grep -c 'speakers/.*\.sert$')" \
        "$(find out/split -path '*/speakers/*.tsv' -size +0 | wc -l)"
    assert_equal "$(printf '%s\n' "${lines[@]}" | grep -c 'model\.bin$')" 4
    finished FEATURES='--hop 600'
}

@test "the network of one stage rebuilds its model, not the others" {
    cp tiny.net own.net
    study combined.NET=own.net >/dev/null 2>&1
    sed -i 's/conv 2/conv 3/; s/84x2/84x3/' own.net
    run made combined.NET=own.net
    assert_output "$(printf '%s\n' results.tsv results.txt results/combined.tsv scores.tsv scores.txt \
        split/combined/combined.1/{log.tsv,model.bin,predictions.tsv})"
}

@test "a recording: touched, it costs manifests; changed, the features of its speaker in each split" {
    local clip=speech/ravdess_data/Actor_01/03-01-05-01-01-01-01.wav
    manifests="$(printf '%s\n' manifest.tsv manifest/ravdess.tsv \
        split/{combined,listed,random1}/{certificate,manifest}.tsv)"
    touch "$clip"
    run made
    assert_output "$manifests"
    finished
    sox "$clip" new.wav vol 0.9
    mv new.wav "$clip"
    run made
    assert_equal "$(printf '%s\n' "${lines[@]}" | grep -v results)" "$(printf '%s\n' "$manifests" \
        runs/notebook.{attention,augmented,baseline,combined} \
        scores.tsv scores.txt split/{combined/combined.1,listed/a{ttention,ugmented}.1,random1/baseline.1}/{log.tsv,model.bin,predictions.tsv} \
        split/{combined,listed}/{speakers/ravdess_01.train.{sert,tsv},train.sert} \
        "$(for part in test train val; do
            ! grep -q "$(basename "$clip" .wav)" "out/split/random1/speakers/ravdess_01.$part.tsv" ||
                printf '%s\n' split/random1/{speakers/ravdess_01.$part.{sert,tsv},$part.sert}
        done)" | sort)"
    finished
}

@test "an option of augmentation rebuilds training features of its split alone" {
    run made combined.AUGMENT='--noise 0.01'
    assert_line split/combined/speakers/savee_DC.train.sert
    assert_line results/combined.tsv
    refute_line --partial .val.sert
    refute_line --partial split/listed
    refute_line --partial split/random1
    finished combined.AUGMENT='--noise 0.01'
}

@test "another seed and the first again: no row stays behind" {
    run made SEED=2
    assert_line split/random2/baseline.2/model.bin
    run made
    assert_line results/baseline.tsv
    refute_line --partial baseline.1
    same out/results.tsv "$RUN/out/results.tsv"
}

@test "fewer corpora and all of them again" {
    run made CORPORA=ravdess
    assert_line split/combined/combined.1/model.bin
    refute_line --partial split/listed
    assert_equal "$(awk -F '\t' '$1 == "combined" {print $2, $5, $6}' out/results.tsv)" "ravdess x3 6 1"
    finished CORPORA=ravdess
    study -j2 >/dev/null 2>&1
    cp -a out/results.tsv again.tsv
    same again.tsv "$RUN/out/results.tsv"
    run study CORPORA=savee OUT=men
    assert_success
    assert_equal "$(cut -f 1 men/results.tsv)" "$(printf 'stage\ncombined')"
}

@test "a missing corpus is one clear line, and no matter to stages without it" {
    run study OUT=new SAVEE='not here'
    assert_failure
    assert_equal "${#lines[@]}" 1
    assert_output --partial "savee: there is no folder 'not here'; ser-fetch savee FOLDER says how to register for it"
    assert_output --partial 'CORPORA="ravdess cremad" leaves it out; three stages need RAVDESS alone'
    assert_output --partial "combined.mk baseline augmented attention."
    run study OUT=new SAVEE='not here' CREMAD='nor here'
    assert_output --partial 'CORPORA="ravdess" leaves it out'
    run study OUT=new SAVEE='not here' attention
    assert_success
    assert_line --regexp '^attention +ravdess x3 +tiny '
    [ ! -e new/split/combined ] || fail "the combined split was made"
}

@test "emotions that are dropped are dropped from every split, or from one" {
    classes() { ser-score -q "out/split/$1/model.bin" "out/split/${1%/*}/test.sert" | head -n 1 | tr '\t' '\n' | grep '^p_' | xargs; }
    assert_equal "$(classes combined/combined.1)" "p_angry p_disgust p_fearful p_happy p_neutral p_sad"
    study DROP=sad,calm,surprised >/dev/null 2>&1
    assert_equal "$(classes combined/combined.1)" "p_angry p_disgust p_fearful p_happy p_neutral"
    assert_equal "$(classes listed/attention.1)" "p_angry p_disgust p_fearful p_happy p_neutral"
}

@test "what the stages do not take is said" {
    run study SEEDS='1 2'
    assert_failure
    assert_output --partial "SEEDS=1 2: the stages have their own protocols and one seed, SEED=N"
    run study OUT=new CORPORA=savee attention
    assert_failure
    assert_output --partial "attention is a stage of RAVDESS, which CORPORA=savee leaves out"
}

@test "the same again with other jobs and threads" {
    run study rerun
    assert_success
    assert_line --regexp '^first: out .THREADS=1.; again: out.rerun .-j[23], THREADS=3.$'
    assert_line --regexp '^the same: [0-9]+ streams, 4 models, 4 logs, [0-9]+ tables$'
    # One bit of one file is seen, a file too many is, and the times are not compared.
    cp -a out.rerun other
    echo more >>out.rerun/times.tsv
    run "$ROOT/pipelines/bin/compare-studies" out out.rerun
    assert_success
    printf '\1' | dd of=out.rerun/split/listed/val.sert bs=1 seek=5000 conv=notrunc status=none
    run "$ROOT/pipelines/bin/compare-studies" out out.rerun
    assert_failure 1
    assert_output "compare-studies: out/split/listed/val.sert and out.rerun/split/listed/val.sert differ"
    touch other/split/more.tsv
    run "$ROOT/pipelines/bin/compare-studies" out other
    assert_failure 1
    assert_output --partial "> split/more.tsv"
}

@test "clean removes what was made and nothing else" {
    touch out/mine
    study clean
    assert_equal "$(find out -mindepth 1)" out/mine
}

@test "the parts of the whole corpora have the notebook's sizes" {
    "$ROOT/pipelines/bin/generate-speech" --corpora -u 120 -e whole
    cd whole || return 1
    # Of five actors CREMA-D holds fewer clips than of the others.
    awk -F '\t' '$2 ~ /^cremad_/ {for (n = $3; n < 82; n++) print substr($2, 8), 82 - n}' "$ROOT/manifests/counts.tsv" |
        while read -r actor n; do
            rm "$(find crema_d_data -name "${actor}_IEO*" | sort | sed -n "${n}p")"
        done
    assert_equal "$(find . -name '*.wav' | wc -l)" 9362
    sizes() {
        make -s -f "$ROOT/pipelines/combined.mk" BUILD="$BUILD" OUT="$1" CHECK= MANIFEST="$2" \
            "$1/split/combined/certificate.tsv" >/dev/null
        for part in train val test; do value "$1/split/combined/certificate.tsv" $part utterances; done | xargs
    }
    run --separate-stderr sizes all --no-quarantine
    assert_output "$((18939 / 3)) 1302 1303"
    run --separate-stderr sizes good ''
    assert_output "$((18918 / 3)) 1301 1303"
}
