# Cross-validation and corpus to corpus: what each fold may see, what is judged, what is rebuilt when.
# bats file_tags=slow
load helper

setup_file() {
    export RUN=$BATS_FILE_TMPDIR/finished
    mkdir "$RUN"
    cd "$RUN" || return 1
    # Of RAVDESS' folds 1, 2 and 5 have speakers then.
    "$ROOT/pipelines/bin/generate-speech" --corpora -s 5 -u 8 speech
    printf '%s\n' 'conv 2 3x3 relu' 'maxpool 8x8' 'reshape 84x2' mean 'dense classes' >tiny.net
    study ravdess cv -j2 SEEDS='1 2' >printed
}

setup() {
    cp -a "$RUN" "$BATS_TEST_TMPDIR/run"
    cd "$BATS_TEST_TMPDIR/run" || return 1
}

# study PIPELINE ARGUMENT...: on the small corpora
study() {
    local name=$1
    shift
    make -f "$ROOT/pipelines/$name.mk" BUILD="$BUILD" OUT=out RAVDESS=speech/ravdess_data SAVEE=speech/savee_data \
        CREMAD=speech/crema_d_data MANIFEST=--no-quarantine NET=tiny.net EPOCHS=2 BATCH=8 LR=0.01 THREADS=1 TRAIN=-q "$@"
}

state() {
    find out -type f -size +0 ! -name times.tsv -printf '%P %T@\n' | sort
}

# made PIPELINE ARGUMENT...: what a run with these arguments makes anew, by its place under out, sorted
made() {
    state >before
    study "$@" >log 2>&1 || fail "$(cat log)"
    state | comm -13 before - | sed 's/ .*//'
}

# speakers SPLIT PART: of the features themselves
speakers() {
    ser-tensor ls -c speaker "${OUT:-out}/split/$1/$2.sert" | sed 1d | cut -f 4 | sort -u | xargs
}

# value STUDY SPLIT PART WHAT: of its certificate
value() {
    awk -F '\t' -v split_name="$2" -v part="$3" -v what="$4" \
        '$1 == split_name && $2 == part && $3 == what {print $4}' "out/cv/$1/certificate.tsv"
}

# certified STUDY SPLIT: the certificate says what is in the streams, and no speaker is in two of them
certified() {
    local part keys all=''
    for part in train val test; do
        keys=$(ser-tensor ls "out/split/$2/$part.sert" | sed 1d | cut -f 1 | sort)
        assert_equal "$(value "$1" "$2" $part utterances)" "$(wc -l <<<"$keys")"
        assert_equal "$(value "$1" "$2" $part sha256.id)" "$(sha256sum <<<"$keys" | cut -d ' ' -f 1)"
        assert_equal "$(awk -F '\t' -v s="$2" -v p=$part '$1 == s && $2 == p && sub(/^speaker\./, "", $3) {print $3}' \
            "out/cv/$1/certificate.tsv" | xargs)" "$(speakers "$2" $part)"
        all="$all $(speakers "$2" $part)"
    done
    assert_equal "$(tr ' ' '\n' <<<"$all" | sort | uniq -d | xargs)" ""
    assert_equal "$(value "$1" "$2" all shared.speakers) $(value "$1" "$2" all shared.audio)" "0 0"
}

@test "all folds that have speakers are tested, once each; the others are named" {
    assert_equal "$(cd out/split && echo *)" "fold1 fold2 fold5"
    assert_equal "$(cat out/split/fold*/tiny.1/predictions.tsv | cut -f 1 | sort | uniq -c | awk '{print $1}' | sort | uniq -c | xargs)" \
        "40 1 1 3" # 40 utterances, three headers
    run cat out/cv/folds5.tiny/table.txt
    assert_line --regexp '^left out: folds without a speaker: 3 4; speakers without a recording: ravdess_06 .* ravdess_24$'
    assert_line 'generated speech: ravdess'
    assert_line 'splits: 3; in more than one part: 0 speakers, 0 recordings'
    assert_line 'speakers: trained on 1 to 2, validated on 1 to 2, tested on 1 to 2'
    run cat printed
    assert_line --regexp '^95 % to +all +[0-9.]+ +[0-9.]+ +[0-9.]+ *$'
}

@test "no fold is trained or validated on those it is tested on, and its certificate says so" {
    for fold in 1 2 5; do certified folds5.tiny fold$fold; done
    assert_equal "$(speakers fold1 test); $(speakers fold1 val); $(speakers fold1 train)" \
        "ravdess_02 ravdess_05; ravdess_03; ravdess_01 ravdess_04"
    assert_equal "$(speakers fold2 test); $(speakers fold2 val)" "ravdess_03; ravdess_01 ravdess_04"
    assert_equal "$(cut -f 1 out/cv/folds5.tiny/certificate.tsv | sort -u | xargs)" "fold1 fold2 fold5 split"
}

# predicted FOLD SEED SPEAKER...: ten utterances each, of which some are taken for others
predicted() {
    mkdir -p "study/split/fold$1/net.$2"
    awk -v OFS='\t' -v fold="$1" -v seed="$2" -v speakers="${*:3}" 'BEGIN {
        print "id", "emotion", "predicted", "speaker"
        n = split(speakers, speaker, " ")
        for (s = 1; s <= n; s++)
            for (i = 1; i <= 10; i++) {
                truth = i % 3 ? "sad" : "happy"
                print speaker[s] "." i, truth, (7 * i * s + fold) % (3 + seed) < 2 ? "happy" : truth, speaker[s]
            }
    }' >"study/split/fold$1/net.$2/predictions.tsv"
}

@test "the table: runs, seeds, all, and their interval" {
    for seed in 1 2; do
        predicted 1 $seed a b
        predicted 2 $seed c
        predicted 5 $seed d e
    done
    cd study
    for seed in 1 2; do ser-eval --tsv split/*/net.$seed/predictions.tsv >seed.$seed.tsv; done
    cd ..
    ser-eval --tsv study/split/*/net.*/predictions.tsv >study/scores.tsv
    helper results-table study folds5 net study fold{1,2,5}/net.{1,2} >study/table.txt
    cd study
    row() { grep -E "^$1 +$2 " table.txt | sed -E 's/^(95 % )?//; s/ +/ /g; s/ $//'; }
    right() { # right DIGITS FILE...: share of right rows
        awk -F '\t' -v format="%.$1f" 'FNR > 1 {n++; right += $2 == $3} END {printf format, right / n}' "${@:2}"
    }
    assert_equal "$(row folds5 fold2 | sed -n 2p | cut -d ' ' -f 1-5,8-)" \
        "folds5 fold2 net 2 $(right 4 split/fold2/net.2/predictions.tsv) 10 1"
    for seed in 1 2; do
        assert_equal "$(row seed all | sed -n ${seed}p | cut -d ' ' -f 1-5,8-)" \
            "seed all net $seed $(right 4 split/fold*/net.$seed/predictions.tsv) 50 5"
    done
    assert_equal "$(row pooled all | cut -d ' ' -f 1-4,7-)" "pooled all net $(right 4 split/fold*/net.*/predictions.tsv) 100 5"
    assert_equal "$(row deviation 'of seeds' | cut -d ' ' -f 4)" "$(echo \
        "$(right 9 split/fold*/net.1/predictions.tsv)" "$(right 9 split/fold*/net.2/predictions.tsv)" |
        awk '{d = ($1 - $2) / sqrt(2); printf "%.4f", d < 0 ? -d : d}')"
    for run in split/*/*; do echo "$(right 9 "$run/predictions.tsv")"; done |
        awk '{x[NR] = $1; m += $1 / 6} END {for (i in x) s += (x[i] - m) ^ 2; printf "%.4f %.4f\n", m, sqrt(s / 5)}' >want
    assert_equal "$(row mean all | cut -d ' ' -f 3) $(row deviation all | cut -d ' ' -f 3)" "$(cat want)"
    for end in low/from high/to; do
        assert_equal "$(row "95 % ${end#*/}" all | cut -d ' ' -f 3-5)" "$(for m in wa ua macro_f1; do
            awk -F '\t' -v m="${m}_${end%/*}" '$1 == "pooled" && $2 == m {printf "%.4f\n", $5}' scores.tsv
        done | xargs)"
    done
    # Runs that ser-eval was not told of have no row.
    mkdir split/fold1/net.3
    cp split/fold1/net.2/predictions.tsv split/fold1/net.3
    cd ..
    run helper results-table study folds5 net study fold1/net.3
    assert_failure 3
    assert_line 'results-table: study/scores.tsv: no scores of fold1/net.3'
}

@test "a finished cross-validation has nothing to be done" {
    run study ravdess -n cv SEEDS='1 2'
    assert_success
    assert_output "make: Nothing to be done for 'cv'."
}

@test "fewer seeds and folds and all again: no figure stays behind" {
    run made ravdess cv SEEDS=2 FOLD='1 2'
    assert_success
    refute_line --partial model.bin
    run cat out/cv/folds5.tiny/table.txt
    assert_line --regexp '^seed +all +tiny +2 .* 24 +3$'
    refute_line --regexp '^seed +all +tiny +1 '
    assert_line --regexp '^95 % to +all +n/a +n/a +n/a *$'
    study ravdess cv SEEDS='1 2' >again
    for file in table.txt certificate.tsv scores.tsv seed.1.tsv; do
        same out/cv/folds5.tiny/$file "$RUN/out/cv/folds5.tiny/$file"
    done
}

@test "one fold after the other gives the same bytes" {
    mv out first
    study ravdess cv -j1 SEEDS='1 2' >log
    for file in cv/folds5.tiny/table.txt cv/folds5.tiny/certificate.tsv split/fold2/tiny.2/model.bin; do
        same first/$file out/$file
    done
}

@test "a cross-validation whose manifest fails has one error of the tool and one of make" {
    run study ravdess cv MANIFEST='--drop nothing' OUT=new
    assert_failure 2
    assert_line --partial "'nothing' is not an emotion of these recordings"
    assert_equal "$(grep -c '^make: \|folds.mk' <<<"$output")" 1
}

@test "a cross-validation, too, can be run again and compared" {
    run study ravdess cv rerun SEEDS='1 2'
    assert_success
    assert_line --regexp '^the same: [0-9]+ streams, 6 models, 6 logs, [0-9]+ tables$'
}

@test "VAL=none: trained on all that is not tested, to the end" {
    study ravdess cv VAL=none SEEDS=1 PATIENCE=3 >printed
    for fold in 1 2 5; do
        assert_equal "$(value folds5.tiny fold$fold val utterances)" 0
        assert_equal "$(value folds5.tiny fold$fold all shared.speakers)" 0
        run ser-tensor ls -H out/split/fold$fold/tiny.1/model.bin
        assert_line train.epochs=2
        assert_line train.keep=last
        assert_line train.patience=0
        assert_line train.schedule=cosine
        refute_output --partial train.val
    done
    assert_equal "$(speakers fold5 train); $(speakers fold5 test)" "ravdess_02 ravdess_03 ravdess_05; ravdess_01 ravdess_04"
    assert_equal "$(made ravdess cv VAL=none SEEDS=1 PATIENCE=5)" ""
    ser-report out >page.html
    study ravdess VAL=none PROTOCOL=random TRAIN='-q --schedule constant'
    ser-tensor ls -H out/split/random1/seed.1/model.bin | grep -qx train.schedule=constant
    run study ravdess VAL=all
    assert_failure
    assert_output --partial 'VAL=all: expected none'
    # And back: the bytes of a study with validation.
    study ravdess cv SEEDS='1 2' >printed
    for file in $(cd "$RUN" && find out -name model.bin -o -name log.tsv); do same "$file" "$RUN/$file"; done
}

@test "VOTE=K: the models of a split vote, beside what each of them does" {
    study ravdess cv VOTE=2 >printed
    for fold in fold1 fold2 fold5; do
        "$BUILD/ser-vote" out/split/$fold/tiny.{1,2}/predictions.tsv | cmp - out/split/$fold/tiny-vote.of2/predictions.tsv
    done
    "$BUILD/ser-eval" --tsv out/split/fold{1,2,5}/tiny-vote.of2/predictions.tsv | cmp - out/cv/folds5.tiny-vote/scores.tsv
    [ "$(awk '$1 == "pooled" {print $3}' printed)" = $'tiny\ntiny-vote' ]
    [ "$(awk '$1 == "folds5" && $3 == "tiny-vote" {print $2, $4}' printed)" = $'fold1 of2\nfold2 of2\nfold5 of2' ]
    "$BUILD/ser-report" out >page.html
    grep -q tiny-vote page.html
    run study ravdess -n cv VOTE=2
    [[ $output = *"Nothing to be done"* ]] || fail "$output"
    # Without it the table is as it was, and the report has the models alone.
    study ravdess cv SEEDS='1 2' >printed
    run ! grep vote printed
    for wrong in "cv VOTE=1" "cv VOTE=3 SEEDS=1" "VOTE=2" "cv VOTE=2 PROTOCOL=random"; do
        # shellcheck disable=SC2086
        run study ravdess $wrong
        [ "$status" = 2 ] && [[ $output = *"VOTE="* ]] || fail "$wrong: $output"
    done
}

@test "a teacher has heard neither who is tested nor whom it speaks of; its tables are what students learn" {
    study ravdess teacher VAL=none SEEDS=1 >log 2>&1 || fail "$(cat log)"
    local tables=out/teacher/folds5.tiny
    for fold in 1 2 5; do
        assert_equal "$(sed 1d $tables/fold$fold.tsv | cut -f 1 | sort)" "$(ser-tensor ls out/split/fold$fold/train.sert | sed 1d | cut -f 1 | sort)"
    done
    assert_equal "$(wc -l <$tables/everyone.tsv)" 41
    # Of those who are not in fold 1, 3 is in fold 2, and 1 and 4 are in fold 5.
    cat out/split/fold1/speakers/ravdess_0{1,4}.train.sert | ser-train -q --net tiny.net --epochs 2 --batch 8 --lr 0.01 --keep last --seed 1 -o m.bin
    ser-score -q m.bin out/split/fold1/speakers/ravdess_03.train.sert | sed 1d >want
    [ -s want ]
    same want <(grep -P '\travdess_03\t' $tables/fold1.tsv)
    run study ravdess -n teacher VAL=none SEEDS=1
    [[ $output = *"Nothing to be done"* ]] || fail "$output"
    study ravdess cv VAL=none SEEDS=1 SOFT=$tables TRAIN='-q --soft-weight 0.9' >log 2>&1 || fail "$(cat log)"
    assert_equal "$(ser-tensor ls -H out/split/fold1/tiny.1/model.bin | grep -c '^train.soft')" 2
    run study ravdess teacher SEEDS=1
    assert_output --partial 'teacher: an inner fold has no other to judge its epochs by'
    run study ravdess cv VAL=none SEEDS=1 SOFT=nowhere
    assert_output --partial 'SOFT=nowhere: there is no such folder'
}

@test "live: long recordings of the speakers tested, and what their models say of them" {
    study ravdess cv live SEEDS='1 2' CLIPS=1 PAUSE=0.3 >log 2>&1 || fail "$(cat log)"
    cd out/split/fold1/live
    assert_equal "$(cut -f 1,4,5 manifest.tsv | tr '\t\n' ' ;')" \
        "id speaker sex;fold1/ravdess_02 ravdess_02 female;fold1/ravdess_05 ravdess_05 male;"
    # Each emotion once, in another order for each, and where the truth says so there is sound.
    assert_equal "$(cut -f 1,4 truth.tsv | sed 1d | sort -u | wc -l)" 16
    [ "$(sed -n 2,9p truth.tsv | cut -f 4)" != "$(sed -n 10,17p truth.tsv | cut -f 4)" ]
    peak() { sox 1.wav -n trim "$@" stat 2>&1 | awk '/^Maximum amplitude/ {print ($3 > 0.001)}'; }
    read -r from to < <(awk 'NR == 2 {print $2, $3 + 0.002}' truth.tsv)
    assert_equal "$from $(peak 0 =3) $(peak 3 =3.05) $(peak "$to" 0.29)" "3.000 0 1 0"
    awk -F '\t' 'FNR > 1 && $1 == id {gap = $2 - end; if (gap < 0.299 || gap > 0.301) exit 1} {id = $1; end = $3}' truth.tsv
    cd ../../../..
    # By the model that does not know them: two speakers, two seeds.
    assert_equal "$(awk -F '\t' '$2 == "recordings" || $2 == "begins" && $3 == "-" {print $5}' out/live/folds5.tiny.tsv | xargs)" "10 80"
    grep -q '^new emotion ' out/live/folds5.tiny.txt
    grep -q '^generated speech: ravdess' out/live/folds5.tiny.txt
    assert_equal "$(sed 1d out/split/fold1/tiny.2/over-time.tsv | cut -d @ -f 1 | sort -u | xargs)" "fold1/ravdess_02 fold1/ravdess_05"
    assert_equal "$(made ravdess cv live SEEDS='1 2' CLIPS=1 PAUSE=0.3)" ""
    assert_equal "$(made ravdess cv live SEEDS='1 2' CLIPS=1 PAUSE=0.3 EVERY=1 | grep -c 'over-time.tsv$')" 6
    run ! study ravdess live PROTOCOL=random
    assert_output --partial "live: random tests speakers that it has trained on"
}

@test "sexes and corpora by themselves: recall, and its interval over their speakers" {
    awk -v OFS='\t' 'BEGIN {
        print "id", "emotion", "predicted", "confidence", "p_a", "p_b", "speaker", "corpus", "sex"
        for (i = 0; i < 80; i++) {
            s = int(i / 4)
            wrong = s % 3 == 0 && i % 4 == 1
            truth = i % 2 ? "b" : "a"
            said = wrong ? "a" : truth
            print "x" i, truth, said, 0.9, said == "a" ? 0.9 : 0.1, said == "a" ? 0.1 : 0.9, "v" s, "c", s < 16 ? (s < 8 ? "female" : "male") : "-"
        }}' >p.tsv
    helpers=$ROOT/pipelines/bin
    "$helpers/score-groups" "$BUILD" p.tsv >groups.tsv
    assert_equal "$(cut -f 1-3 groups.tsv | paste -s -d ' ')" $'kind\tgroup\tn sex\tfemale\t32 sex\tmale\t32 corpus\tc\t80'
    assert_equal "$(awk '$1 == "corpus" {print $4, $5, $6}' groups.tsv)" \
        "$(ser-eval --tsv p.tsv | awk '$1 == "pooled" && $2 ~ /^ua/ {print $5}' | paste -s -d ' ')"
    for s in female male; do
        awk -F '\t' -v s=$s 'NR == 1 || $9 == s' p.tsv >one.tsv
        assert_equal "$(awk -v s=$s '$2 == s {print $4, $5, $6}' groups.tsv)" \
            "$(ser-eval --tsv one.tsv | awk '$1 == "pooled" && $2 ~ /^ua/ {print $5}' | paste -s -d ' ')"
    done
    # Two tables of the same rows, as of two seeds.
    assert_equal "$("$helpers/score-groups" "$BUILD" p.tsv p.tsv | awk '$2 == "c" {print $3, $4}')" "160 $(awk '$2 == "c" {print $4}' groups.tsv)"
    run -2 "$helpers/score-groups"
}

@test "a model to use: conditions, temperature, and a card that says what it is worth" {
    printf '%s\n' 'features --type logmel --bands 40 --frames 100' 'normalize --by speaker' 'prior --prior-weight 50' \
        'train --batch 4 --lr 0.02 --epochs 12' 'val none' 'card about Made for a test.' >recipe.options
    printf '%s\n' standardize 'maxpool 8x8' timemajor mean 'dense classes' >recipe.net
    model() { make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=new RAVDESS=speech/ravdess_data MANIFEST=--no-quarantine TRAIN=-q \
        NET=recipe THREADS=1 FOLD='1 2' KNOWN='1 4' CONDITIONS='noise-5 phone mp3' "$@"; }
    model model >printed 2>err || fail "$(cat err)"
    run cut -f 1-4 new/cv/folds5.recipe/conditions.tsv
    assert_output "$(printf 'condition\tvoices\tn\tspeakers\nrecorded\tspeaker\t24\t3\nnoise-5\tspeaker\t24\t3
phone\tspeaker\t24\t3\nmp3\tspeaker\t24\t3\nrecorded\tknown from 1\t12\t3\nrecorded\tknown from 4\t12\t3')"
    # What is known of a voice is not tested, nor is it the same for other numbers; conditions are heard.
    run ! cmp new/split/fold1/conditions/known1.sert new/split/fold1/conditions/known4.sert
    assert_equal "$(cut -f 1 new/split/fold1/recipe.1/conditions/known1.tsv)" "$(cut -f 1 new/split/fold1/recipe.1/conditions/known4.tsv)"
    run ! cmp -s new/split/fold1/conditions/phone.sert new/split/fold1/test.sert
    # Each split has its temperature from the others.
    t=$(ser-eval --fit-temperature new/split/fold2/recipe.1/predictions.tsv)
    helper temper "$t" new/split/fold1/recipe.1/predictions.tsv >a.tsv
    t=$(ser-eval --fit-temperature new/split/fold1/recipe.1/predictions.tsv)
    helper temper "$t" new/split/fold2/recipe.1/predictions.tsv >b.tsv
    assert_equal "$(ser-eval --tsv a.tsv b.tsv | awk '$1 == "pooled" && $2 == "ece" {print $5}')" \
        "$(sed -n 's/^ece\t//p' new/cv/folds5.recipe/calibration.tsv)"
    # The model: of all voices, with their statistics; its temperature does what temper.awk does.
    ser-tensor ls -H new/model/recipe.bin >header
    grep -qx "train.temperature=$(sed -n 's/^temperature\t//p' new/cv/folds5.recipe/calibration.tsv).*" header
    grep -qx train.kernels=plain header
    assert_equal "$(ser-tensor ls -c speaker new/split/everyone/train.sert | sed 1d | cut -f 4 | sort -u | wc -l)" 5
    export SER_MODELS=$PWD/new/model
    ser-mfcc -q --like recipe speech/ravdess_data/Actor_01/*.wav | ser-tensor normalize --by speaker --one-speaker --prior recipe |
        ser-score -q recipe >p.tsv
    [ "$(wc -l <p.tsv)" = 9 ]
    [[ $(ser-score --list | grep ^recipe) = *"CC BY-NC-SA 4.0"*"UA "*", 3 unheard speakers, normalised by speaker"*"Made for a test."* ]]
    for line in 'data generated speech: ravdess' "library ser *" 'made-by make -f pipelines/ravdess.mk model RAVDESS=PLACE FOLD="1 2" *' \
        'calibration expected calibration error 0.* each fold with the temperature that the others give, *' \
        'detail phone: UA *, calibration error 0.*' 'detail by sex: female: UA * %, 8 predictions; male: UA * %, 16 predictions'; do
        # shellcheck disable=SC2254
        case $(cat new/model/recipe.card) in *$line*) ;; *) fail "no '$line' in $(cat new/model/recipe.card)" ;; esac
    done
    ser-report -n 0 new >page.html
    grep -q 'Protocol: folds; each model was trained on 3 to 4 speakers; features were normalized, each part by itself: --by speaker\.' page.html
    grep -q '<th.*>known from 4<' page.html
    grep -q "<td>phone</td><td[^>]*>$(awk -F'\t' '$1 == "phone" {print $6}' new/cv/folds5.recipe/conditions.tsv)</td>" page.html
    run model -n model
    assert_output "make: Nothing to be done for 'model'."
    # A corpus that is left out leaves what is known of voices, too.
    model -n model -W new/split/fold1/options/corpora -W new/split/everyone/options/corpora >again
    grep -q 'stats --by speaker -o new/split/fold1/prior.sert' again
    grep -q 'stats --by speaker -o new/split/everyone/prior.sert' again
    run model model VAL= OUT=other
    assert_output --partial 'model: what is trained on all recordings'
    run model conditions CONDITIONS=rain OUT=other
    assert_output --partial 'CONDITIONS=rain: expected'
    printf 'condition\tUA\nphone\t1\n' >new/cv/folds5.recipe/conditions.tsv
    fails 3 'ser-report: new/cv/folds5.recipe/conditions.tsv: .*voices' ser-report new
}

@test "a backbone: heads of its networks, normalised behind them; their conditions, over time, a model to use" {
    printf '%s\n' 'features --type logmel --bands 40 --frames 100' 'train --batch 4 --lr 0.02 --epochs 3' 'val none' >body.options
    printf '%s\n' standardize 'maxpool 8x8' timemajor mean 'dense 6 relu' 'dense classes' >body.net
    printf '%s\n' 'backbone body.net' 'normalize --by speaker' 'prior --prior-weight 2' 'train --epochs 4' 'val none' >head.options
    printf 'dense classes\n' >head.net
    study() { make -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=heads RAVDESS=speech/ravdess_data MANIFEST=--no-quarantine TRAIN=-q \
        THREADS=1 FOLD='1 2' KNOWN='1 4' CONDITIONS='phone' CLIPS=1 EVERY=1 SEEDS='1 2' "$@"; }
    study model live NET=head VOTE=2 >printed 2>err || fail "$(cat err)"
    [ "$(grep -c '^epoch ' printed err | xargs)" = 'printed:0 err:0' ] || fail 'not quiet'
    # What a run hears are the embeddings of the network of its split and seed, normalised as the study is.
    cd heads/split/fold1
    ser-score -q --embed body.2/model.bin test.sert | same head.2/embeddings/test.sert -
    ser-tensor normalize --by speaker head.2/embeddings/train.sert | same head.2/train.sert -
    ser-train -q --net ../../../head.net --epochs 4 --keep last --seed 2 -o x.bin head.2/train.sert
    cmp x.bin head.2/model.bin
    ser-train -q --net ../../../body.net --batch 4 --lr 0.02 --epochs 3 --keep last --seed 2 -o x.bin train.sert
    cmp x.bin body.2/model.bin
    ser-score -q head.2/model.bin head.2/test.sert | same head.2/predictions.tsv -
    ser-score -q --embed body.2/model.bin conditions/phone.sert | ser-tensor normalize --by speaker | ser-score -q head.2/model.bin |
        same head.2/conditions/phone.tsv -
    ser-tensor stats --by speaker head.2/embeddings/train.sert | same head.2/prior.sert -
    ser-tensor normalize --by speaker --recordings 1 --leave-out 4 --prior head.2/prior.sert --prior-weight 2 head.2/embeddings/test.sert |
        ser-score -q head.2/model.bin | same head.2/conditions/known1.tsv -
    cd ../../..
    local f=heads/split/fold1
    ser-mfcc -q --like $f/body.2/model.bin --every 1 -m $f/live/manifest.tsv | ser-score -q --embed $f/body.2/model.bin |
        ser-tensor normalize --by speaker | ser-score -q $f/head.2/model.bin | same $f/head.2/over-time.tsv -
    run cut -f 1,2 heads/cv/folds5.head/conditions.tsv
    assert_output "$(printf '%s\n' "condition	voices" "recorded	speaker" "recorded, by vote	speaker" "phone	speaker" "recorded	known from 1" "recorded	known from 4")"
    grep -qx 'hears embeddings of body' heads/cv/folds5.head/table.txt
    # The model to use: a backbone stands beside it, and it names the way through both.
    [[ "$(sed -n 's/^use //p' heads/model/head.card)" = 'ser-mfcc --like head a.wav b.wav c.wav | ser-score --embed head | ser-tensor normalize '*' | ser-score head' ]]
    export SER_MODELS=$PWD/heads/model
    ser-mfcc -q --like head speech/ravdess_data/Actor_01/*.wav | ser-score -q --embed head |
        ser-tensor normalize --by speaker --one-speaker --prior head --prior-weight 2 | ser-score -q head >p.tsv
    [ "$(wc -l <p.tsv)" = 9 ]
    run study -n model live NET=head VOTE=2
    assert_output "make: Nothing to be done for 'model'.
make: Nothing to be done for 'live'."
    # A backbone that lies there and was trained otherwise than those that the scores are of.
    mkdir other
    ser-train -q --net body.net --batch 4 --lr 0.02 --epochs 2 --keep last -o other/body.bin heads/split/fold1/train.sert
    run study model NET=head VOTE=2 MODELS=other
    assert_failure
    assert_line 'other/body.bin: was not trained as heads/split/fold1/body.1/model.bin: train.epochs=2 there, train.epochs=3 here'
    assert_line --partial 'make the target model with NET=body.net'
    ser-report -n 0 heads | grep -q '<p>Embeddings of the part test are normalized, by itself: <code>--by speaker</code>'
    # The plain study of the backbone's network in the same folder has its models already.
    study cv NET=body SEEDS='1 2' | tee printed | grep -c 'the model is epoch' | same - <(echo 0) || fail "$(cat printed)"
    # What the heads hear is normalised, and their vote; body hears voices as they are.
    ser-report -n 0 heads >page.html
    grep -o 'Protocol: [^:<]*' page.html | sed 's/.*speakers//' | sort | uniq -c | sed "s,^ *,," | diff - <(printf '%s\n' '1 .' '2 ; embeddings were normalized, each part by itself')
    # Another backbone, whose models are older than what the first has made; and none.
    for f in body.* heads/split/fold?/body.? heads/model/body.bin; do cp -a $f "${f/body/twin}"; done
    for f in heads/split/fold?/twin.?/options; do sed -i s/body.net/twin.net/ $f && touch -r "${f/twin/body}" $f; done
    run study -n model NET=head BACKBONE=twin.net
    assert_output --partial '--embed heads/split/fold2/twin.1/model.bin heads/split/fold2/train.sert -o heads/split/fold2/head.1/embeddings'
    assert_output --partial 'ser-score -q --embed --kernels plain heads/model/twin.bin'
    refute_output --partial 'ser-train --net twin.net'
    run study -n cv NET=head BACKBONE= FEATURES='--type logmel --bands 40 --frames 100' NORMALIZE=
    assert_output --partial 'ser-train --net head.net  -o heads/split/fold2/head.1/model.bin'
    run study cv NET=head BACKBONE=head OUT=other
    assert_output --partial 'BACKBONE=head: has the name of NET, which hears it'
    run study -n cv NET=head BACKBONE=best-whisper OUT=whisper
    assert_output --partial 'ser-embed -q whisper-base --layer'
    run study cv NET=head BACKBONE=nowhere OUT=other
    assert_output --partial 'BACKBONE=nowhere: no such file'
    run study teacher NET=head OUT=other
    assert_output --partial 'teacher: NET=head hears a backbone'
}

@test "generality: studies side by side, a column for each treatment of voices" {
    # Three voices of the small RAVDESS are EmoDB's, too, under its names: of a fold each.
    mkdir -p speech/emodb/wav
    local clip s e
    for s in 1:03 2:08 3:09; do
        for e in 05:W 03:F 01:N 04:T; do
            for clip in speech/ravdess_data/Actor_0${s%:*}/03-01-${e%:*}-*.wav; do
                cp "$clip" "speech/emodb/wav/${s#*:}a0${clip: -11:1}${e#*:}.wav"
            done
        done
    done
    printf '%s\n' standardize 'maxpool 8x8' timemajor mean 'dense classes' >recipe.net
    printf '%s\n' 'features --type logmel --bands 40 --frames 100' 'normalize --by speaker' 'train --batch 4 --lr 0.02 --epochs 2' \
        'val none' >recipe.options
    make -f "$ROOT/pipelines/generality.mk" BUILD="$BUILD" OUT=new RAVDESS=speech/ravdess_data EMODB=speech/emodb \
        MANIFEST=--no-quarantine CHECK= TRAIN=-q NET=recipe STUDIES=both FOLD='3 5' >printed 2>err || fail "$(cat err)"
    figure() { awk -F '\t' -v corpus="$1" '$1 == "corpus" && $2 == "ua" && $3 == corpus {printf "%.1f", 100 * $5}' \
        new/both/recipe/cv/folds5.recipe/scores.tsv; }
    same new/generality.tsv <(printf '%s\t%s\t%s\t%s\n' study condition speakers speaker both-to-ravdess recorded 2 "$(figure ravdess)" \
        both-to-emodb recorded 2 "$(figure emodb)")
    for fold in 3 5; do
        assert_equal "$(comm -12 <(tr ' ' '\n' <<<"$(OUT=new/both/recipe speakers fold$fold train)") \
            <(tr ' ' '\n' <<<"$(OUT=new/both/recipe speakers fold$fold test)"))" ""
    done
    # Rows of the same study and condition meet in one, whatever the form.
    row() { printf 'condition\tvoices\tspeakers\tUA\tUA_low\tUA_high\n'; printf '%s\t%s\t5\t%s\t%s\t%s\n' "$@"; }
    row recorded plain 50.0 40.0 60.0 phone plain 30.0 20.0 40.0 >a.plain.tsv
    row recorded speaker 70.0 - - recorded 'known from 1' 60.0 - - >a.speaker.tsv
    same <(helper generality-table a.plain.tsv a.speaker.tsv) <(printf '%s\t%s\t%s\t%s\t%s\t%s\n' \
        study condition speakers plain speaker 'known from 1' \
        a recorded 5 '50.0 (40.0 to 60.0)' 70.0 60.0 a phone 5 '30.0 (20.0 to 40.0)' - -)
}

@test "altered recordings: the noise is as loud as it says, and the same each time" {
    sox -R -n -r 48000 -b 16 a.wav synth 2 sine 300 gain -10
    printf 'id\tpath\na\ta.wav\n' >m.tsv
    "$ROOT/pipelines/bin/alter-recordings" noise10 x m.tsv >x.tsv
    "$ROOT/pipelines/bin/alter-recordings" noise10 y m.tsv >y.tsv
    same x/1.wav y/1.wav
    assert_equal "$(cat x.tsv)" "$(printf 'id\tpath\na\tx/1.wav')"
    rms() { sox "$@" -n stat 2>&1 | awk '/^RMS +amplitude/ {print $3}'; }
    sox -R a.wav -r 22050 -e floating-point -b 32 clean.wav
    sox -m -v 1 x/1.wav -v -1 clean.wav -e floating-point -b 32 noise.wav
    awk -v signal="$(rms clean.wav)" -v noise="$(rms noise.wav)" 'BEGIN {
        db = 20 * log(signal / noise) / log(10); exit !(db > 9.9 && db < 10.1)}' || fail "$(rms clean.wav) $(rms noise.wav)"
    printf 'path\nnone.wav\n' >none.tsv
    fails 3 "alter-recordings: none.wav: SoX cannot make 'phone' of it" "$ROOT/pipelines/bin/alter-recordings" phone x none.tsv
    fails 2 "usage: alter-recordings" "$ROOT/pipelines/bin/alter-recordings" rain x m.tsv
}

@test "another network stands beside the first, on the same features" {
    cp tiny.net other.net
    run made ravdess cv SEEDS=1 NET=other.net
    assert_success
    assert_line split/fold5/other.1/model.bin
    assert_line cv/folds5.other/table.txt
    refute_line --partial tiny
    refute_line --partial .sert
    # A network may be named, and has its own stage's callbacks.
    make -n -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=out RAVDESS=speech/ravdess_data MANIFEST=--no-quarantine \
        cv NET=baseline SEEDS=1 >commands
    grep -q -- "--net $ROOT/pipelines/nets/baseline.net .* -o out/split/fold2/baseline.1/model.bin .*--patience 20 --lr-patience 0 " commands
}

@test "another table of folds is another study" {
    printf 'speaker\tfold\nravdess_01\t1\nravdess_02\t2\nravdess_03\t3\nravdess_04\t3\nravdess_05\t2\nravdess_06\t4\n' >folds.tsv
    touch -d '1 hour ago' folds.tsv
    study ravdess cv SEEDS=1 FOLDS=folds.tsv >log
    run cat out/cv/folds5.tiny/table.txt
    assert_line --regexp '^folds5 +fold3 '
    assert_line 'left out: folds without a speaker: 4; speakers without a recording: ravdess_06'
    assert_equal "$(speakers fold2 test)" "ravdess_02 ravdess_05"
    assert_equal "$(speakers fold3 val)" ravdess_01
}

@test "another speaker brings another fold" {
    mkdir speech/ravdess_data/Actor_10
    for file in speech/ravdess_data/Actor_02/*; do
        # Another recording: a sample longer.
        sox "$file" "speech/ravdess_data/Actor_10/$(basename "$file" 02.wav)10.wav" pad 0 0.001
    done
    run made ravdess cv SEEDS=1
    assert_success
    assert_line split/fold3/tiny.1/model.bin
    run cat out/cv/folds5.tiny/table.txt
    assert_line --regexp '^left out: folds without a speaker: 4; '
    assert_line --regexp '^folds5 +fold3 '
}

@test "SAVEE: one man is left out in turn" {
    study savee cv -j2 >log
    assert_equal "$(for fold in 1 2 3 4; do speakers fold$fold test; done | xargs)" "savee_DC savee_JE savee_JK savee_KL"
    assert_equal "$(speakers fold4 val); $(speakers fold4 train)" "savee_DC; savee_JE savee_JK"
    certified folds4.tiny fold4
    run study savee -n cv
    assert_output "make: Nothing to be done for 'cv'."
}

@test "listed speakers and random splits are judged the same way" {
    printf 'speaker\tpart\nravdess_01\ttrain\nravdess_02\ttrain\nravdess_03\tval\nravdess_04\ttest\nravdess_05\ttest\n' >parts.tsv
    study ravdess cv PROTOCOL=notebook PARTS=parts.tsv SEEDS='1 2' >log
    run cat out/cv/notebook.tiny/table.txt
    assert_line --regexp '^pooled +notebook +tiny .* 32 +2$'
    refute_line --partial 'left out'
    certified notebook.tiny notebook
    study ravdess cv PROTOCOL=random SEEDS='1 2' >log
    run cat out/cv/random.tiny/table.txt
    assert_line --regexp '^random +random2 +tiny +2 '
    assert_line --regexp '^splits: 2; in more than one part: up to [1-5] speakers, 0 recordings$'
    assert_line --regexp '^pooled +all '
    assert_equal "$(value random.tiny random2 all shared.speakers)" 5
}

@test "from corpus to corpus: all pairs, the emotions they share, validation from the training corpus" {
    rm -r out
    study cross -j2 SEEDS='1 2' >log
    assert_equal "$(cd out/split && echo *)" \
        "cremad-to-ravdess cremad-to-savee ravdess-to-cremad ravdess-to-savee savee-to-cremad savee-to-ravdess"
    for pair in ravdess-to-savee savee-to-cremad; do certified $pair.tiny $pair; done
    assert_equal "$(speakers ravdess-to-savee train); $(speakers ravdess-to-savee val); $(speakers ravdess-to-savee test)" \
        "ravdess_01 ravdess_03 ravdess_04; ravdess_02 ravdess_05; savee_DC savee_JE savee_JK savee_KL"
    assert_equal "$(speakers savee-to-ravdess val)" savee_DC
    emotions() { ser-tensor ls -c emotion "out/split/$1/$2.sert" | sed 1d | cut -f 4 | sort -u | xargs; }
    for part in train test; do
        assert_equal "$(emotions ravdess-to-savee $part)" "angry disgust fearful happy neutral sad surprised"
        assert_equal "$(emotions savee-to-cremad $part)" "angry disgust fearful happy neutral sad"
    done
    run cat out/cross.tiny.txt
    assert_equal "$(grep -c ^protocol out/cross.tiny.txt)" 1
    assert_line --regexp '^cross +savee-to-ravdess +tiny +2 .* 35 +5$'
    assert_line --regexp '^95 % from +savee-to-ravdess +[0-9.]+ +[0-9.]+ +[0-9.]+ *$'
    assert_line --regexp '^95 % from +ravdess-to-savee +n/a '
    assert_line 'generated speech: cremad'
    assert_line 'splits: 6; in more than one part: 0 speakers, 0 recordings'
    # Its page takes no two pairs together.
    ser-report -n 0 out >page.html
    assert_equal "$(sed -n 's/<h2>Results: \(.*\)<\/h2>/\1/p' page.html | xargs)" \
        "$(cd out/split && for pair in *; do echo "tiny/$pair"; done | xargs)"
    assert_equal "$(grep -c '<dt>models</dt><dd>2</dd>' page.html)" 6
    # Where make keeps a long text in memory must not matter.
    for n in '' 1 123456 12345678901234567890123456789012345678901234567890; do
        run study cross -n SEEDS='1 2' unused.TRAIN=$n
        assert_output "make: Nothing to be done for 'all'."
    done
    run made cross SEEDS='1 2' savee.FOLDS=<(printf 'speaker\tfold\nsavee_DC\t2\nsavee_JE\t1\nsavee_JK\t2\nsavee_KL\t2\n')
    refute_line --partial ravdess-to
}

@test "what cannot be split is refused" {
    fails 3 "testable-folds: tiny.net: no column 'speaker'" helper testable-folds out/manifest.tsv tiny.net
    printf 'speaker\tfold\nravdess_01\tone\n' >folds.tsv
    fails 3 "testable-folds: folds.tsv: row 1: 'one' is not a fold from 1 to 1000" helper testable-folds out/manifest.tsv folds.tsv
    printf 'speaker\tfold\nravdess_01\t1\n' >folds.tsv
    fails 3 'pair-parts: out/manifest.tsv: row 2: the speaker ravdess_02 is in no fold of folds.tsv' \
        helper pair-parts ravdess folds.tsv out/manifest.tsv
    run study combined cv
    assert_failure
    assert_output --partial 'cv: this pipeline has no folds'
    run study cross CORPORA=savee
    assert_failure
    assert_output --partial 'CORPORA=savee: expected two or more of ravdess savee cremad'
}
