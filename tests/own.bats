#!/usr/bin/env bats
# One's own recordings: from a folder or a table to scores.
# bats file_tags=slow
load helper
bats_require_minimum_version 1.5.0

setup_file() {
    export RUN=$BATS_FILE_TMPDIR/made
    mkdir "$RUN"
    cd "$RUN" || return 1
    "$ROOT/pipelines/bin/generate-speech" -s 4 -u 8 speech
    printf '%s\n' standardize 'maxpool 40x3' 'reshape 58x1' 'lstm 4' last 'dense classes' >quick.net
    # A folder for each of three labels, of which no corpus has heard; who speaks is in the names. Two have no label.
    local clip name label speaker names=(Zoë Béla anna.b 'Jo Ann')
    mkdir -p 'my rec'/{froh,'sehr wütend',gelangweilt} later
    echo 'file,label,who' >table.csv
    for clip in speech/*/*.wav; do
        name=${clip##*/}
        speaker=${names[${name:19:1} - 1]}
        case ${name:6:2} in
        03 | 08) label=froh ;;
        05 | 02) label='sehr wütend' ;;
        04 | 01) label=gelangweilt ;;
        *)
            cp "$clip" "later/$speaker.${name:6:2}.wav"
            echo "later/$speaker.${name:6:2}.wav,,$speaker" >>table.csv
            continue
            ;;
        esac
        cp "$clip" "my rec/$label/$speaker-${name:6:2}.wav"
        echo "\"my rec/$label/$speaker-${name:6:2}.wav\",$label,$speaker" >>table.csv
    done
    rm -r speech
    own TABLE=table.csv COLUMNS=path=file,emotion=label,speaker=who >printed 2>&1 || { cat printed && return 1; }
}

setup() {
    cp -a "$RUN" "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
}

# own ARGUMENT...: the pipeline with a network that takes no time
own() {
    make -f "$ROOT/pipelines/own.mk" BUILD="$BUILD" OUT=out NET=quick.net EPOCHS=2 LR=0.01 THREADS=1 TRAIN=-q "$@"
}

table=(TABLE=table.csv "COLUMNS=path=file,emotion=label,speaker=who")

state() {
    find out -type f -size +0 ! -name times.tsv -printf '%P %T@\n' | sort
}

made() {
    state >before
    own "$@" >log 2>&1 || fail "$(cat log)"
    state | comm -13 before - | sed 's/ .*//'
}

@test "own: a table: each speaker is tested once, and what has no label is scored by all models" {
    grep -Eq '^pooled +all +quick +[0-9. ]+ 24 +4$' printed
    grep -q '^splits: 4; in more than one part: 0 speakers, 0 recordings$' printed
    grep -q 'from fewer than ten it is a rough guess' printed
    grep -q '^8 recordings have no label; what the models together say of them: out/predictions.tsv$' printed
    for fold in 1 2 3 4; do
        ser-tensor ls -c speaker out/split/fold$fold/test.sert | sed 1d | cut -f 4 | sort -u
    done | sort | same - <(printf '%s\n' Béla 'Jo Ann' Zoë anna.b | LC_ALL=C sort)
    head -n 1 out/predictions.tsv | same - <(printf '%s\t' id emotion predicted confidence p_froh p_gelangweilt \
        'p_sehr wütend' speaker corpus && echo sex)
    assert_equal "$(cut -f 2 out/predictions.tsv | sort | uniq -c | xargs)" "8 - 1 emotion"
    # The mean of what each model says.
    for fold in 1 2 3 4; do ser-score -q out/split/fold$fold/quick.1/model.bin out/unlabelled.sert | sed 1d; done |
        awk -F '\t' '{sum[$1] += $5 / 4} END {for (id in sum) printf "%s\t%.6f\n", id, sum[id]}' | sort >mean
    sed 1d out/predictions.tsv | awk -F '\t' '{printf "%s\t%.6f\n", $1, $5}' | sort | same - mean
    sed 1d out/predictions.tsv | awk -F '\t' '{
        best = 5
        for (i = 6; i <= 7; i++) if ($i > $best) best = i
        if ($4 != $best || substr("froh       gelangweiltsehr wütend", 11 * (best - 5) + 1) !~ "^" $3) exit 1
    }'
    run own -n "${table[@]}"
    assert_output "make: Nothing to be done for 'all'."
}

@test "own: what changes is made again, and no more" {
    run made "${table[@]}" SEEDS=1 EPOCHS=2
    assert_output ''
    sed -i '$d' table.csv # a recording of the last speaker
    run own -n "${table[@]}"
    refute_output "make: Nothing to be done for 'all'."
    own "${table[@]}" >printed 2>&1
    grep -Eq ' 23 +4$' printed
    sox 'my rec/froh/Zoë-03.wav' new.wav vol 0.5
    mv new.wav 'my rec/froh/Zoë-03.wav'
    made "${table[@]}" >list
    assert_equal "$(grep -c 'speakers/Zo+C3+AB.*sert' list)" 4
    [ "$(grep -c 'speakers/anna.*sert' list)" = 0 ]
    rm 'my rec/froh/Zoë-03.wav'
    own "${table[@]}" >printed 2>&1
    grep -q 'Zoë-03.wav: no such file' printed
    grep -Eq ' 22 +4$' printed
    rm table.csv
    run own -n "${table[@]}"
    assert_output "make: Nothing to be done for 'all'."
    run own "${table[@]}" CHECK=
    assert_failure
    assert_output --partial "TABLE=table.csv: no such file.  Stop."
    own clean >/dev/null
    [ ! -e out ] || fail "$(find out)"
}

@test "own: nothing of earlier folds or recordings is reported" {
    has() { ser-report -n 0 out >page.html && grep -q "<dd class=\"more\">of 4 speakers</dd></div>" page.html &&
        grep -q "<dt>predictions</dt><dd>$1</dd>" page.html && grep -q "<dt>models</dt><dd>$2</dd>" page.html; }
    has 24 4
    own "${table[@]}" FOLDS=3 >/dev/null 2>&1
    [ -e out/split/fold4/quick.1/predictions.tsv ]
    has 24 3 || fail "$(grep '<dt>' page.html)"
    if grep -q 'split/fold4/' page.html; then fail "a step of fold 4"; fi
    # Of other recordings: what was made of the earlier ones is not there, even if the study comes to no end.
    cp out/predictions.tsv earlier.tsv
    sed -i '/,,/d; $d' table.csv
    run own "${table[@]}" LR=-1
    assert_failure
    [ ! -e out/predictions.tsv ] && [ ! -e out/own.txt ]
    fails 3 'no study in it is complete: .* run its make again' ser-report -n 0 out
    own "${table[@]}" SEEDS=2 >/dev/null 2>&1
    [ ! -e out/predictions.tsv ]
    has 23 4 || fail "$(grep '<dt>' page.html)"
    own "${table[@]}" SEEDS='1 2' >/dev/null 2>&1
    has 46 8 || fail "$(grep '<dt>' page.html)"
}

@test "own: a folder, with speakers from names; folds of one's own, and again the same" {
    printf 'speaker\tfold\nfolders_Zoë\t1\nfolders_Béla\t1\nfolders_anna.b\t2\nfolders_Jo Ann\t3\n' >folds.tsv
    folder=(DIR='my rec' SPEAKER_FROM='/([^/]*)-[0-9]+$' OUT=new FOLDS=folds.tsv)
    own "${folder[@]}" >printed 2>&1 || fail "$(<printed)"
    grep -Eq '^pooled +all +quick +[0-9. ]+ 24 +4$' printed
    grep -q '^splits: 3; ' printed
    [ "$(grep -c predictions printed)" = 0 ]
    run own -s "${folder[@]}" rerun
    assert_success
    assert_output --partial 'the same: '
    # As many folds as there are speakers at most: each is left out in turn.
    own "${folder[@]}" FOLDS=99 >printed 2>&1
    grep -q '^splits: 4; ' printed
    own "${folder[@]}" DROP='sehr wütend' >printed 2>&1
    grep -Eq '^pooled +all +quick +[0-9. ]+ 16 +4$' printed
}

@test "own: without three known speakers recordings are divided at random, and what that is worth is said" {
    own DIR='my rec' OUT=new >printed 2>&1 || fail "$(<printed)"
    grep -Eq '^random +random5 +quick +5 .* -$' printed
    grep -Eq '^pooled +all +quick .* -$' printed
    grep -q '^No speaker is known, and three are needed to train, validate and test on different ones: ' printed
    grep -q 'of a voice that was never' printed
    grep -q 'SPEAKER_FROM=' printed
    assert_equal "$(grep -c 'whether the parts share speakers cannot be judged' printed)" 1
    grep -E 'who|Zoë|Béla' table.csv >two.csv
    own TABLE=two.csv "${table[1]}" OUT=two SEEDS=7 >printed 2>&1 || fail "$(<printed)"
    grep -Eq '^random +random7 +quick +7 ' printed
    grep -q '^2 speakers are known, and three are needed' printed
    # Known are one, and nobody; what is shared is not summed over splits.
    sed '1!{/Béla/!s/,[^,]*$/,-/}' two.csv >one.csv
    own TABLE=one.csv "${table[1]}" OUT=one SEEDS='1 2 3' >printed 2>&1 || fail "$(<printed)"
    grep -Eq '^pooled +all +quick .* 1$' printed
    grep -q '^1 speaker is known, and three are needed' printed
    sed 's/,-$/,Zoë/' one.csv >pair.csv
    own TABLE=pair.csv "${table[1]}" OUT=one SEEDS='1 2 3' >printed 2>&1 || fail "$(<printed)"
    grep -q '^splits: 3; in more than one part: up to 2 speakers, 0 recordings$' printed
    # Three known ones, and one recording of nobody.
    sed '2s/,[^,]*$/,-/' table.csv >some.csv
    own TABLE=some.csv "${table[1]}" OUT=some >printed 2>&1 || fail "$(<printed)"
    grep -Eq ' 23 +4$' printed
    grep -q '^Left out, since they may be of a speaker who is tested: 1 recording of unknown speakers.$' printed
}

@test "own: small data gets a small network by itself" {
    run make -n -f "$ROOT/pipelines/own.mk" BUILD="$BUILD" OUT=out THREADS=1 "${table[@]}"
    assert_success
    assert_line --partial "pipelines/nets/tiny.net --epochs 60 --batch 16"
    head -n 1 table.csv >large.csv
    for ((i = 0; i < 1000; i++)); do
        printf '../my rec/froh/Zoë-03.wav,%s,%d,%d\n' $((i % 2)) $((i % 5)) "$i"
    done >>large.csv
    mkdir sub
    sed '1s/$/,id/' large.csv >sub/large.csv
    run make -n -f "$ROOT/pipelines/own.mk" BUILD="$BUILD" OUT=large THREADS=1 TABLE=sub/large.csv "${table[1]}" CHECK=
    assert_success
    assert_line --partial "pipelines/nets/attention.net --epochs 40 --batch 32"
}

@test "own: how much was not heard is told once, and FRAMES hears it" {
    # Those longer than 20 frames are counted once each, not their altered copies.
    own "${table[@]}" NET=tiny EPOCHS=1 FRAMES=20 AUGMENT='--noise 0.005' >printed 2>&1 || fail "$(<printed)"
    local longer
    longer=$(for f in out/split/fold1/{train,val,test}.sert out/unlabelled.sert; do ser-tensor ls -c unheard_s $f; done |
        awk -F '\t' '$4 > 0 && !/#/ && $4 != "unheard_s"' | wc -l)
    assert_equal "$(grep -c 'that are used of each' printed)" 1
    grep -q "^$longer of 32 recordings are longer than the 0.46 s (20 frames) that are used of each; not heard: [0-9.]* s in all. FRAMES=[0-9]*$" printed
    own "${table[@]}" NET=tiny EPOCHS=1 "$(grep -o 'FRAMES=[0-9]*' printed)" >printed 2>&1 || fail "$(<printed)"
    assert_equal "$(grep -c 'that are used of each' printed)" 0
    grep -q '^As a page with pictures: ser-report out > report.html$' printed
}

@test "embed: embeddings are made once a recording, whatever splits there are; they are those of ser-embed" {
    "$ROOT/tests/make-encoder" tiny
    printf 'features --layer 1 --pool stats\ntrain --epochs 2 -q\nval none\n' >vector.options
    printf '%s\n' standardize 'dense classes' >vector.net
    embed() {
        make -f "$ROOT/pipelines/embed.mk" PIPELINE=own BUILD="$BUILD" OUT=out "${table[@]}" ENCODER=./tiny NET=vector.net THREADS=1 "$@"
    }
    rm -r out
    embed AUGMENT="--speed 0.9:1.1" >log 2>&1 || fail "$(cat log)"
    ser-tensor ls -c aug out/embeddings/*.sert | tail -n +2 | cut -f 1,4 | sort >kept.txt
    grep -c '#' kept.txt | diff - <(cut -f 1 out/manifest.tsv | tail -n +2 | wc -l)
    uniq -d kept.txt | diff - /dev/null
    for fold in out/split/*; do
        ser-embed -q --layer 1 --pool stats -m <(awk -F'\t' 'NR == 1 || $NF == "test"' "$fold/manifest.tsv") tiny >want.sert
        ser-cmp --values want.sert "$fold/test.sert"
        [ "$(ser-tensor ls -c part "$fold/train.sert" | tail -n +2 | cut -f 4 | sort -u)" = train ]
    done
    # A page shows the sound, not what a model hears in it, since ser-plot makes no embeddings.
    ser-report -n 1 out >page.html
    grep -q '>Waveform of [^,<]*<' page.html
    # Another normalisation and other seeds need none anew; another layer does.
    find out/embeddings -name '*.sert' -printf '%P %T@\n' | sort >before
    embed NORMALIZE="--by speaker" SEEDS="1 2" >log 2>&1 || fail "$(cat log)"
    find out/embeddings -name '*.sert' -printf '%P %T@\n' | sort | diff before -
    embed NET=layers LAYER=1:2 FRAMES=40 EPOCHS=1 >log 2>&1 || fail "$(cat log)"
    ser-tensor ls -H out/split/fold1/test.sert | grep -qx feat.layer=1:2
    ser-tensor ls out/split/fold1/test.sert | cut -f 3 | sort -u | grep -c 2x40x | grep -qx 1
    fails 2 'PIPELINE=none: no such file' embed PIPELINE=none
}

@test "own: labels get other names by MAP" {
    own "${table[@]}" MAP='sehr wütend=froh' >printed 2>&1 || fail "$(<printed)"
    assert_equal "$(cut -f 6 out/manifest.tsv | sort -u | xargs)" '- emotion froh gelangweilt'
    printf 'from\tto\ngelangweilt\tmüde\n' >map.tsv
    own "${table[@]}" MAP=map.tsv >printed 2>&1 || fail "$(<printed)"
    assert_equal "$(cut -f 6 out/manifest.tsv | sort -u | xargs)" '- emotion froh müde sehr wütend'
    printf 'from\tto\ngelangweilt\tstill\n' >map.tsv
    own "${table[@]}" MAP=map.tsv >printed 2>&1 || fail "$(<printed)"
    assert_equal "$(cut -f 6 out/manifest.tsv | sort -u | xargs)" '- emotion froh sehr wütend still'
}

@test "a variable that a pipeline does not know is refused with the one that is near; help lists all" {
    refused() { # refused PIPELINE VARIABLE TEXT
        run env -u MAKELEVEL -u MAKEFLAGS make -f "$ROOT/pipelines/$1.mk" BUILD="$BUILD" OUT=new "$2=x y"
        assert_failure 2
        assert_equal "${#lines[@]}" 1
        assert_output --partial "*** $2=: $1.mk has no such variable$3; the target help lists all.  Stop."
        [ ! -e new ] || fail "new was made"
    }
    refused own SPEAKER_FORM ': did you mean SPEAKER_FROM?'
    refused own fold1.EPOCH ': did you mean EPOCHS?'
    refused own PARTS ''
    refused own folds ': did you mean FOLDS?'
    refused ravdess SPEAKER_FROM ''
    refused demo VOICE ': did you mean VOICES?'
    refused tune TRAILS ': did you mean TRIALS?'
    # Every one that is known is in the help.
    for name in own ravdess savee cremad cross combined demo tune; do
        make -s -f "$ROOT/pipelines/$name.mk" BUILD="$BUILD" OUT=new \
            --eval 'help: known' --eval 'known: ; @echo $(VARIABLES) >names' help >help
        for v in $(<names); do
            grep -qw -- "$v" help || [[ " CC CFLAGS CPPFLAGS LDFLAGS SANITIZE WERROR ONEDNN " = *" $v "* ]] || fail "$name: $v"
        done
    done
    [ ! -e new ] || fail "new was made"
}

@test "own: a label that cannot be trained on is named before anything is trained" {
    sed -i '/Zoë/s/,froh,/,allein,/' table.csv
    run own "${table[@]}" OUT=new -j2
    assert_failure 2
    assert_line --regexp "^the label 'allein' is on 2 recordings, all of the speaker Zoë; in the split fold[1-4] none of these is left to train on: MAP='allein=OTHER' .*, DROP='allein' leaves it out, or add recordings of it by other speakers$"
    assert_equal "$(find new -name model.bin)" ''
    own "${table[@]}" OUT=new DROP=allein >printed 2>&1 || fail "$(<printed)"
    grep -Eq ' 22 +4$' printed
    # At random, too.
    sed -i '/Zoë/!s/,froh,/,gelangweilt,/; 0,/,gelangweilt,/s//,nur eins,/' table.csv
    run own TABLE=table.csv COLUMNS=path=file,emotion=label OUT=random SEEDS='1 2 3'
    assert_failure 2
    assert_line --regexp "^the label 'nur eins' is on 1 recording; in the split random[123] none of these is left"
    assert_equal "$(find random -name model.bin)" ''
}

@test "own: what is missing or wrong is one clear line" {
    refused() {
        run make -f "$ROOT/pipelines/own.mk" BUILD="$BUILD" OUT=new "${@:2}"
        assert_failure 2
        assert_equal "${#lines[@]}" 1
        assert_output --partial "*** $1.  Stop."
        [ ! -e new ] || fail "new was made"
    }
    refused 'DIR=FOLDER or TABLE=FILE says where the recordings are: give one of them'
    refused 'DIR=FOLDER or TABLE=FILE says where the recordings are: give one of them' DIR=a TABLE=b
    refused 'DIR=not here: no such folder' DIR='not here'
    refused "TABLE=it's not: no such file" TABLE="it's not"
    refused 'FRAMES=0: expected a number of frames from 1: a network takes recordings of one length' DIR='my rec' FRAMES=0
    refused 'FOLDS=five: no such table, and no number of folds from 2 to 1000' DIR='my rec' FOLDS=five
    refused 'FOLDS=1: no such table, and no number of folds from 2 to 1000' DIR='my rec' FOLDS=1
    refused 'FOLDS=1001: no such table, and no number of folds from 2 to 1000' DIR='my rec' FOLDS=1001
    refused 'FOLDS=a b: no such table, and no number of folds from 2 to 1000' DIR='my rec' FOLDS='a b'
    refused 'NET=foo: no such file, and no pipelines/nets/foo.net' DIR=later NET=foo OUT=out
    # Nothing to be told apart.
    mkdir -p flat/wav
    cp later/*.wav flat/wav
    run own DIR=flat OUT=none
    assert_failure
    assert_line --regexp "have the same one, 'wav', and there is nothing to tell apart: LABEL_FROM= .*CORPUS=auto"
    # A manifest that fails is one error of the tool and one of make.
    run own TABLE=table.csv COLUMNS=path=fle OUT=none
    assert_failure
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 "ser-manifest: table.csv: no column 'fle' (there are: 'file', 'label', 'who')"
    assert_line --index 1 --regexp "^make: .*none/manifest/own.tsv\\] Error 3$"
    run own DIR=later OUT=none LABEL_FROM='/(x)$'
    assert_failure
    assert_output --partial 'its path has no label'
}
