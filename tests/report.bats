#!/usr/bin/env bats
# ser-report: one page that holds all and loads nothing, whatever the names of a study are.
load helper
load browser

# A study of tones whose every name would like to be markup or a command: two splits, three models.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    local low='<b>a&b"'\''</b>' high='{x}_^2`touch bad`$(touch bad)%d' corpus='</table><script>bad()</script>'
    local wave='w"<img src=x onerror=bad()>`touch bad`.wav' i s k speaker emotion part run seed
    printf 'id\tpath\tcorpus\tspeaker\tsex\temotion\taudio_hash\n' >m.tsv
    for s in 1 2 3 4 5 6 7; do
        speaker="<script>bad($s)</script>&lt;'\"\`touch bad\`"
        for k in 1 2; do
            i=$((2 * s + k - 2))
            sox -n -r 22050 -b 16 "$i$wave" synth 0.3 sine $((400 * k + 10 * s))
            emotion=$low && [ $k = 1 ] || emotion=$high
            printf '%s\t%s\t%s\t%s\tfemale\t%s\t%d\n' "id$i<i>&amp;" "$i$wave" "$corpus" "$speaker" "$emotion" $i >>m.tsv
        done
    done
    printf '%s\n' standardize 'maxpool 2x2' 'reshape 20x5' mean 'dense classes' >small.net
    mkdir study
    cp m.tsv study/manifest.tsv
    for i in 1 2; do
        run="study/split/s$i <b>&"
        mkdir -p "$run/options"
        echo "--lr 0.001 <i>&" >"$run/options/train"
        awk -F '\t' -v OFS='\t' -v i=$i 'NR == 1 { print $0, "part"; next }
            { s = int(NR / 2) - 1; print $0, s == i - 1 ? "train" : s == 2 ? "val" : "test" }' m.tsv >"$run/manifest.tsv"
        for part in train val test; do
            awk -F '\t' -v p=$part 'NR == 1 || $NF == p' "$run/manifest.tsv" | ser-mfcc -q --frames 10 -m - -o $part.sert
        done
        cp test.sert "$run"
        for seed in 1 10 2; do
            [ $i = 1 ] || [ $seed = 1 ] || continue
            mkdir "$run/seed.$seed"
            ser-train -q --net small.net --val val.sert -o "$run/seed.$seed/model.bin" --log "$run/seed.$seed/log.tsv" \
                --epochs 2 --seed $seed train.sert
            ser-score -q "$run/seed.$seed/model.bin" test.sert >"$run/seed.$seed/predictions.tsv"
        done
    done
    # Long recordings: the windows of one name the first emotion two seconds late and the second one never.
    run="study/split/s1 <b>&"
    mkdir "$run/live"
    printf '%s\t%s\t%s\t%s\n' id start_s end_s emotion '<r>' 1 5 "$low" '<r>' 6 9 "$high" >"$run/live/truth.tsv"
    awk -F '\t' -v OFS='\t' -v low="$low" 'NR == 1 {print $0, "start_s", "end_s", "level_db"}
        NR > 1 {$1 = "<r>@" NR - 2; $3 = NR < 4 ? "-" : low; print $0, NR - 2, NR - 1, -20}' "$run/seed.1/predictions.tsv" >"$run/seed.1/over-time.tsv"
    ser-report --with-audio --worst 4 --title '<script>"T"&' study >page.html
    # Its texts, one a line.
    texts page.html >texts
}

setup() {
    cd "$BATS_FILE_TMPDIR" || return 1
}

texts() {
    sed '/^<style>/,/<\/style>$/d; /^<script>/,/^<\/script>/d; s/<[^>]*>/\n/g' "$1" |
        sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&#39;/'\''/g; s/&amp;/\&/g; s/^ *//; /^$/d'
}

has() {
    local text
    for text; do grep -qxF -- "$text" texts || fail "not in the page: $text"; done
}

# rows CAPTION [PAGE]: the rows of the table's body, fields by tabs, as text
rows() {
    awk -v caption="<caption>$1</caption>" 'index($0, caption) { on = 1 } on && /^<tr>/ { print } on && /<\/table>/ { exit }' "${2:-page.html}" |
        sed 's,</td><td[^>]*>,\t,g; s/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&#39;/'\''/g; s/&amp;/\&/g'
}

lacks() { # lacks PATTERN FILE
    if grep -n -- "$1" "$2"; then fail "$2 holds $1"; fi
}

@test "well-formed, and whole" {
    perl "$ROOT/tests/well-formed.pl" page.html
    if command -v xmllint >/dev/null; then xmllint --huge --noout page.html; fi
    assert_equal "$(head -n 1 page.html)" '<!DOCTYPE html>'
    assert_equal "$(tail -n 1 page.html)" '</html>'
}

@test "it loads nothing and refers to no file" {
    # Attributes that make a browser fetch: to places in the page, or to data.
    run bash -c "grep -oE '(src|href|data|action|poster|srcset|background)=[\"'\''][^\"'\'']{0,60}' page.html | grep -vE '=.(#|data:(audio|image)/)'"
    assert_output ""
    run grep -nE 'url\([^#]|@import|<link|<iframe|<object|<embed|<base' page.html
    assert_output ""
    grep -q "content=\"default-src 'none';" page.html
}

@test "names are letters: no element, no attribute, no command comes of them" {
    assert_equal "$(grep -o '<script' page.html | wc -l)" 1
    run grep -nE '<img|<b>|<i>|onerror=[^b]' page.html
    assert_output ""
    assert_equal "$(grep -c '<table' page.html)" "$(grep -c '</table>' page.html)"
    has '<script>"T"&' '<b>a&b"'\''</b>' '{x}_^2`touch bad`$(touch bad)%d' "<script>bad(7)</script>&lt;'\"\`touch bad\`" \
        '</table><script>bad()</script>' 's1 <b>&'
    grep -qE '^id[0-9]+<i>&amp;$' texts
    grep -qF '<img src=x onerror=bad()>`touch bad`.wav' texts
    [ ! -e bad ] || fail "something was run"
}

@test "the scores of each model are ser-eval's; seeds in their order" {
    i=0
    while IFS=$'\t' read -r split seed n wa ua f1 _; do
        i=$((i + 1))
        ser-eval --tsv "study/split/$split/seed.$seed/predictions.tsv" 2>/dev/null | awk -F '\t' -v n="$n" -v wa="$wa" -v ua="$ua" -v f="$f1" '
            $1 == "pooled" && $3 == "-" { v[$2] = $5 }
            END { exit !(v["n"] == n && sprintf("%.1f", 100 * v["wa"]) == wa && sprintf("%.1f", 100 * v["ua"]) == ua && \
                sprintf("%.1f", 100 * v["macro_f1"]) == f) }' || fail "$split $seed: $n $wa $ua $f1"
    done < <(rows 'Scores of each model on its test part' | grep -v '^mean\|^deviation')
    assert_equal $i 4
    assert_equal "$(rows 'Scores of each model on its test part' | cut -f 1,2 | tr '\n\t' ',:')" \
        "s1 <b>&:1,s1 <b>&:2,s1 <b>&:10,s2 <b>&:1,mean:,deviation:,"
}

@test "tables by emotion, speaker, corpus and sex are whole" {
    ser-eval --tsv study/split/*/seed.*/predictions.tsv >eval.tsv
    for kind in speaker corpus sex; do
        want=$(awk -F '\t' -v k=$kind '$1 == k && $2 == "wa" { printf "%s %.1f\n", $3, 100 * $5 }' eval.tsv)
        assert_equal "$(rows "By $kind" | awk -F '\t' '{ print $1, $3 }')" "$want"
    done
    assert_equal "$(rows 'By speaker' | wc -l)" 6
    want=$(awk -F '\t' '$1 == "pooled" && $2 == "recall" { printf "%s %.1f\n", $3, 100 * $5 }' eval.tsv)
    assert_equal "$(rows 'By emotion' | awk -F '\t' '{ print $1, $3 }')" "$want"
    low=$(awk -F '\t' '$1 == "pooled" && $2 == "wa_low" { printf "%.1f", 100 * $5 }' eval.tsv)
    rows 'All models together' | grep -q "^accuracy (weighted accuracy)	.*	$low to "
}

@test "every picture is there, and keeps its ids to itself" {
    assert_equal "$(grep -c '^<svg role="img"' page.html)" 11 # 3 of predictions, 4 trainings, manifest, time, mfcc, wave
    run bash -c "grep -o ' id=[\"'\''][^\"'\'']*' page.html | tr '\"' \"'\" | sort | uniq -d"
    assert_output ""
    # What a picture refers to is in the page.
    while read -r id; do grep -q "id=['\"]${id}['\"]" page.html || fail "no $id"; done < <(
        grep -oE "href='#[^']*|url\(#[^)]*" page.html | sed 's/.*#//' | sort -u)
    has 'true emotion' 'as sure as right' 'unweighted recall' 'probability, %' 'coefficient 0' rate
}

@test "over time: how long it takes to name a new emotion" {
    rows 'Delay of a new emotion' >delays
    assert_equal "$(cut -f 2-8 delays | tr '\t\n' ' ;')" "1 1 0 0 2.00 2.00 100.0;1 0 1 0 – – 0.0;2 1 1 0 2.00 2.00 50.0;"
    has 'Emotions over time: the first recording of s1 <b>&/seed.1' '<r>, 10.00 s, 10 windows, 20 % without speech'
    # Elsewhere nothing is said of it.
    mv "study/split/s1 <b>&/seed.1/over-time.tsv" kept.tsv
    ser-report study >page2.html
    mv kept.tsv "study/split/s1 <b>&/seed.1/over-time.tsv"
    lacks 'over-time\|Over time' page2.html
}

@test "the worst utterances are those with the lowest probability of the truth" {
    want=$(for p in study/split/*/seed.*/predictions.tsv; do
        awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at["p_" $at["emotion"]] "\t" $1 }' "$p"
    done | sort -g | awk -F '\t' '!seen[$2]++ { printf "%s %.3g\n", $2, $1 }' | head -n 4)
    got=$(sed -n '/<caption>Lowest probability/,/<\/table>/p' page.html | grep -v '^<audio' | tr -d '\n' |
        sed 's,</tr>,\n,g' | sed 1d | sed '$d' |
        sed 's,</td><td[^>]*>,\t,g; s/<[^>]*>//g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | awk -F '\t' '{ print $1, $5 }')
    assert_equal "$got" "$want"
}

@test "the recordings are in the page, byte for byte, when that is asked" {
    grep -o 'src="data:audio/wav;base64,[^"]*' page.html | sed 's/.*,//' >audio
    assert_equal "$(wc -l <audio)" 4
    head -n 1 audio | base64 -d >first.wav
    for file in *w\"*.wav; do if cmp -s first.wav "$file"; then found=$file; fi; done
    [ -n "$found" ]
    ser-report study >bare.html
    lacks '<audio' bare.html
}

@test "no other file than audio gets into a page" {
    cp -r study other
    for file in other/split/*/manifest.tsv; do
        awk -F '\t' -v OFS='\t' 'NR > 1 { $2 = "/etc/passwd" } { print }' "$file" >x && mv x "$file"
    done
    fails 3 "^ser-report: /etc/passwd: not WAV, FLAC, Ogg or MP3" ser-report --with-audio other
    sed -i 's,/etc/passwd,gone.wav,' other/split/*/manifest.tsv
    fails 4 "^ser-report: gone.wav: cannot read; run ser-report where" ser-report --with-audio other
    ser-report other >other.html # without them it does
    rm -r other
}

@test "the split certificate: disjoint, or who is where" {
    grep -qx 'No speaker is in two parts.' texts
    assert_equal "$(awk '/<caption>Parts of s1/ { on = 1 } on && /^<tr>/ { print } on && /<\/table>/ { exit }' page.html |
        sed 's,</td><td[^>]*>,\t,g; s/<[^>]*>//g' | cut -f 1-3 | tr '\t\n' ' ,')" "train 1 2,val 1 2,test 5 10,"
    cp -r study leaky
    for file in leaky/split/*/manifest.tsv; do
        awk -F '\t' -v OFS='\t' 'NR == 2 { $NF = "test"; $7 = 5 } { print }' "$file" >x && mv x "$file"
    done
    ser-report leaky >leaky.html
    texts leaky.html >leaky.txt
    grep -qx 'Parts overlap: scores flatter.' leaky.txt
    grep -q '7 speakers in all, 1 of them in more than one part: <script>bad(1)' leaky.txt
    for file in leaky/split/*/manifest.tsv; do
        cp "${file/leaky/study}" "$file"
        awk -F '\t' -v OFS='\t' 'NR == 1 { while ($++i != "speaker"); } NR == 2 { $i = "-" } { print }' "$file" >x && mv x "$file"
    done
    ser-report leaky >leaky.html
    texts leaky.html >leaky.txt
    grep -qx 'Whether a speaker is in two parts is unknown.' leaky.txt
    grep -q 'The speaker of 1 utterances is unknown; ' leaky.txt
    rm -r leaky
}

@test "what was run: options, network, checksums, versions" {
    has feat.rate_hz 22050 train.lr '--lr 0.001 <i>&' ser-report gnuplot 'maxpool 2x2'
    assert_equal "$(rows 'Features, training and versions' | grep '^train.seed')" "train.seed	1; 2; 10"
    sum=$(sha256sum <"study/split/s2 <b>&/seed.1/model.bin")
    rows Models | grep -q "^s2 <b>&	1	2	[12]	[0-9.]*	${sum:0:16}…$"
}

# study CORPUS... : predictions of 8 emotions in these corpora
study() {
    rm -rf like
    mkdir -p like/split/a/seed.1
    awk -v OFS='\t' -v corpora="$*" 'BEGIN {
        n = split(corpora, corpus, " ")
        print "id", "emotion", "predicted", "corpus"
        for (i = 0; i < 16; i++) print i, "e" i % 8, "e" (i < 8 ? i : 0), corpus[i % n + 1]
    }' >like/split/a/seed.1/predictions.tsv
}

@test "beside the published figures: the stage that is like it, or none" {
    study ravdess
    printf 'id\temotion\tspeaker\tsplit\tpart\n0\te0\ts\trandom\ttest\n' >like/split/a/manifest.tsv
    ser-report like >page2.html
    grep -q '<tr><td>baseline</td><td class="n">57.4</td><td class="n">56.2</td>' page2.html
    for stage in augmented:13.3 attention:60.6 combined:50.5; do
        grep -q "<tr><td>${stage%:*}</td><td class=\"n\">${stage#*:}</td><td class=\"n\">–</td>" page2.html
    done
    study ravdess
    ser-report like | grep -q '<td>augmented</td><td class="n">13.3</td><td class="n">56.2</td>'
    study mine
    ser-report like >page2.html
    lacks '>56.2</td><td class="n">8' page2.html
    lacks 'Published figures\|original notebook' page2.html # which has no figure of this corpus
}

# run_of SPLIT NAME.SEED CORPUS N EMOTIONS: N predictions of that many emotions by five speakers
run_of() {
    mkdir -p "several/split/$1/$2"
    awk -v OFS='\t' -v corpus="$3" -v n="$4" -v k="$5" -v name="$2" 'BEGIN {
        printf "id\temotion\tpredicted\tspeaker\tcorpus"
        for (e = 0; e < k; e++) printf "\tp_e%d", e
        print ""
        for (i = 0; i < n; i++) {
            said = i % (length(name) % 3 + 2) ? i % k : 0
            printf "%d\te%d\te%d\t%s%d\t%s", i, i % k, said, corpus, i % 5, corpus
            for (e = 0; e < k; e++) printf "\t%s", e == said ? 1 : 0
            print ""
        }
    }' >"several/split/$1/$2/predictions.tsv"
}

# overview_of NAME FILE...: the row of the overview that ser-eval would have, but for the published figure
overview_of() {
    ser-eval --tsv "${@:2}" | awk -F '\t' -v OFS='\t' -v name="$1" -v files=$(($# - 1)) \
        -v utterances="$(cut -f 1 "${@:2}" | grep -v id | sort -u | wc -l)" '
        $1 == "pooled" && $3 == "-" { v[$2] = $5 }
        $1 == "pooled" && $2 == "support" { emotions++ }
        function with(m) { return sprintf("%.1f (%.1f to %.1f)", 100 * v[m], 100 * v[m "_low"], 100 * v[m "_high"]) }
        END { print name, with("wa"), with("ua"), sprintf("%.1f", 100 * v["macro_f1"]), files, emotions, utterances, 5 }'
}

@test "several names: an overview, then each by itself; the splits' certificates once" {
    rm -rf several
    local odd='<img src=x>&"'\''`touch bad`' s
    for s in one two; do
        run_of $s attention.1 ravdess 40 8
        run_of $s attention.10 ravdess 40 8
        run_of $s attention.2 ravdess 40 8
        run_of $s seed.1 ravdess 40 8
        printf 'id\temotion\tspeaker\taudio_hash\tpart\n1\te1\ta\t1\ttrain\n2\te1\tb\t2\ttest\n' >several/split/$s/manifest.tsv
    done
    run_of one "$odd.x.1" mine 30 6
    mkdir several/options
    echo some >several/options/thing
    ser-report several >page2.html
    perl "$ROOT/tests/well-formed.pl" page2.html
    lacks '<img' page2.html
    [ ! -e bad ] || fail "something was run"
    cd several/split
    {
        overview_of attention */attention.*/predictions.tsv
        overview_of seed */seed.1/predictions.tsv
        overview_of "$odd.x" "one/$odd.x.1/predictions.tsv"
    } >"$BATS_TEST_TMPDIR/want"
    cd ../..
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 1-4,6-9)" "$(cat "$BATS_TEST_TMPDIR/want")"
    # Who was trained on how, and what was done to voices.
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 10- | sort -u)" $'1\tlisted speakers\tplain'
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 5 | xargs)" "13.3 (augmented) 13.3 (augmented) –"
    assert_equal "$(rows 'Test accuracy of the original notebook' page2.html | sed -n 2p | cut -f 3 |
        sed 's/[0-9.]* (/(/g')" "(attention), (seed)"
    # Places have names of their own, and every link a place.
    grep -oE ' id="[^"]*|<section id="[^"]*' page2.html | sed 's/.*"//' | sort >ids
    assert_equal "$(uniq -d ids)" ""
    assert_equal "$(grep -o 'href="#[^"]*' page2.html | sed 's/.*#//' | sort -u | comm -23 - ids)" ""
    for s in results pictures worst run; do assert_equal "$(grep -c "<section id=\"$s-[123]\"" page2.html)" 3; done
    assert_equal "$(sed -n 's/<h2>Results: \(.*\)<\/h2>/\1/p' page2.html | sed -n 1p)" attention
    texts page2.html >texts2
    grep -qxF "Pictures: $odd.x" texts2
    assert_equal "$(grep -c '<caption>Parts of ' page2.html)" 2
    assert_equal "$(rows 'Commands of the pipeline, without names of files' page2.html)" $'options/thing\tsome'
    # Seeds of each name in their order.
    assert_equal "$(rows 'Scores of each model on its test part' page2.html | cut -f 1,2 | head -n 6 | tr '\n\t' ',:')" \
        "one:1,one:2,one:10,two:1,two:2,two:10,"
    rm -r several/options
    ser-report -n 0 several >page2.html
    lacks '#pipeline\|#worst' page2.html
}

@test "what tests different emotions or corpora is never taken together" {
    rm -rf several
    for seed in 1 2; do
        run_of a-to-b net.$seed b 20 4
        run_of b-to-a net.$seed a 30 4
        run_of b-to-c net.$seed c 40 4
    done
    ser-report several >page2.html
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 1,6-8 | tr '\t\n' ' ,')" \
        "net/a-to-b 2 4 20,net/b-to-a 2 4 30,net/b-to-c 2 4 40,"
    grep -q 'differ among the runs of: net\. ' page2.html
    # The same corpus, more emotions.
    for seed in 1 2; do
        run_of a-to-b net.$seed b 20 4
        run_of b-to-a net.$seed b 20 5
        run_of b-to-c net.$seed b 20 4
    done
    ser-report several >page2.html
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 1,6-8 | tr '\t\n' ' ,')" \
        "net/a-to-b 2 4 20,net/b-to-a 2 5 20,net/b-to-c 2 4 20,"
    # One split, models that know different emotions.
    rm -r several/split/b-to-*
    run_of a-to-b net.1 b 20 5
    ser-report several >page2.html
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 1,6-8 | tr '\t\n' ' ,')" \
        "net/a-to-b/1 1 5 20,net/a-to-b/2 1 4 20,"
    # What is alike is together, and without an overview when it is all there is.
    run_of a-to-b net.1 b 20 4
    run_of b-to-a net.1 b 20 4
    ser-report several >page2.html
    lacks Overview page2.html
    grep -q '<dt>models</dt><dd>3</dd>' page2.html
}

# groups_of [PAGE]: the groups that it reports, in their order
# shellcheck disable=SC2119,SC2120 # run passes them
groups_of() {
    sed -n 's/<h2>Results: \(.*\)<\/h2>/\1/p' "${1:-page2.html}" | paste -s -d ,
}

# network_of GROUP PAGE: the one that is printed as its network
network_of() {
    awk -v heading="<h2>What was run: $1</h2>" '$0 == heading { here = 1 } here && sub(/^<pre>/, "") { on = 1 }
        on { end = sub(/<\/pre>.*/, ""); print } end { exit }' "$2"
}

@test "folds, listed speakers, random splits and networks of one folder are reported apart" {
    rm -rf out speech
    "$ROOT/pipelines/bin/generate-speech" -s 5 -u 8 speech
    printf '%s\n' 'conv 2 3x3 relu' 'maxpool 8x8' 'reshape 84x2' mean 'dense classes' >tiny.net
    printf '%s\n' 'maxpool 8x8' 'reshape 105x1' mean 'dense classes' >other.net
    printf 'speaker\tpart\n%s\ttrain\n%s\ttrain\n%s\tval\n%s\ttest\n%s\ttest\n' ravdess_0{1,2,3,4,5} >parts.tsv
    run_pipeline() {
        make -s -f "$ROOT/pipelines/ravdess.mk" BUILD="$BUILD" OUT=out RAVDESS=speech MANIFEST=--no-quarantine \
            PARTS=parts.tsv EPOCHS=1 BATCH=8 THREADS=1 TRAIN=-q "$@" >log 2>&1 || fail "$(cat log)"
    }
    run_pipeline NET=other.net
    run_pipeline PROTOCOL=folds5 FOLD='1 2 5' NET=tiny.net
    run_pipeline PROTOCOL=random SEEDS='1 2' NET=tiny.net
    # Generated speech is called so at the top and in every table, and is beside no published figure.
    ser-report -n 0 out >page2.html
    perl "$ROOT/tests/well-formed.pl" page2.html
    grep -q '<strong>Generated speech: ravdess\.</strong>' page2.html
    assert_equal "$(grep -c '<caption>' page2.html)" "$(grep -c '<caption>.* (generated speech)</caption>' page2.html)"
    lacks '13\.3 (augmented)\|57\.4 (baseline)\|Test accuracy of the original notebook' page2.html
    # What was run, and the contents of each part.
    made='Commands of the pipeline, without names of files (generated speech)'
    rows "$made" page2.html | grep -qx 'options/ravdess	ser-manifest --corpus ravdess speech --check --no-quarantine'
    rows "$made" page2.html | grep -qx 'split/notebook/options/split	ser-split --speakers parts.tsv'
    rows "$made" page2.html | grep -qx 'split/notebook/options/features	ser-mfcc '
    rows "$made" page2.html | grep -q '^split/random2/seed.2/options	ser-train --seed 2 --net tiny.net --epochs 1 '
    assert_equal "$(rows 'Contents of notebook (generated speech)' page2.html | cut -f 1-4)" "$(awk -F '\t' -v OFS='\t' '
        $2 ~ /^emotion/ { e[$1] = e[$1] (e[$1] == "" ? "" : ", ") substr($2, 9) " " $3 }
        $2 ~ /^corpus/ { c[$1] = substr($2, 8) " " $3 }
        $2 == "sha256.id" { i[$1] = substr($3, 1, 16) "…" }
        END { print "train", e["train"], c["train"], i["train"]; print "val", e["val"], c["val"], i["val"]
              print "test", e["test"], c["test"], i["test"] }' out/split/notebook/certificate.tsv)"
    rm out/manifest/ravdess.generated
    ser-report -n 0 out >page2.html
    perl "$ROOT/tests/well-formed.pl" page2.html
    assert_equal "$(groups_of)" 'seed/folds,seed/listed speakers,seed/random splits'
    # Each has the figures of its own runs, and the published one of its own kind.
    row() { # row NAME PUBLISHED FILE...
        ser-eval --tsv "${@:3}" 2>/dev/null | awk -F '\t' -v OFS='\t' -v name="$1" -v published="$2" -v files=$(($# - 2)) '
            $1 == "pooled" && $3 == "-" { v[$2] = $5 }
            END { print name, sprintf("%.1f", 100 * v["wa"]), published, files, 8 }'
    }
    cd out/split
    {
        row seed/folds '13.3 (augmented)' fold*/seed.1/predictions.tsv
        row 'seed/listed speakers' '13.3 (augmented)' notebook/seed.1/predictions.tsv
        row 'seed/random splits' '57.4 (baseline)' random*/seed.*/predictions.tsv
    } >"$BATS_TEST_TMPDIR/want"
    cd ../..
    assert_equal "$(rows 'All models of each name together' page2.html | cut -f 1,2,5-7 | sed 's/ ([0-9.]* to [0-9.]*)//')" \
        "$(cat "$BATS_TEST_TMPDIR/want")"
    assert_equal "$(rows 'Test accuracy of the original notebook' page2.html | cut -f 1,3 | sed 's/[0-9.]* (/(/g')" \
        "$(printf '%s\t%s\n' baseline '(seed/random splits)' augmented '(seed/folds), (seed/listed speakers)' attention – combined –)"
    same <(network_of seed/folds page2.html) tiny.net
    same <(network_of 'seed/listed speakers' page2.html) other.net
    same <(network_of 'seed/random splits' page2.html) tiny.net
    grep -q 'differ among the runs of: seed\. ' page2.html
    # One kind, two networks: each split has its own. A run whose model is gone parts from none.
    rm -r out/split/random* out/split/notebook/seed.1/model.bin
    mv out/split/notebook out/split/fold3
    rm out/split/fold5/seed.1/model.bin
    rm -r out/runs # which does not know of this
    ser-report -n 0 out >page2.html
    lacks Overview page2.html
    grep -q '<dt>models</dt><dd>4</dd>' page2.html
    run_pipeline NET=other.net PROTOCOL=folds5 FOLD=5
    rm -r out/runs
    ser-report -n 0 out >page2.html
    assert_equal "$(groups_of)" 'seed/fold1,seed/fold2,seed/fold3,seed/fold5'
    same <(network_of seed/fold2 page2.html) tiny.net
    same <(network_of seed/fold5 page2.html) other.net
}

@test "a random split stands beside the published random one only; its name tells where its table is gone" {
    study ravdess
    for s in random1 random2 listed; do cp -r like/split/a like/split/$s; done
    rm -r like/split/a
    ser-report -n 0 like >page2.html
    assert_equal "$(groups_of)" 'seed/listed speakers,seed/random splits'
    assert_equal "$(rows 'Test accuracy of the original notebook' page2.html | cut -f 1,3 | xargs -d '\n')" \
        $'baseline\t56.2 (seed/random splits) augmented\t56.2 (seed/listed speakers) attention\t– combined\t–'
    # A table outdoes the name.
    printf 'id\temotion\tspeaker\tpart\n0\te0\ts\ttest\n' | tee like/split/random1/manifest.tsv >like/split/random2/manifest.tsv
    ser-report -n 0 like >page2.html
    lacks Overview page2.html
    # All corpora and six emotions, but at random: the original has no such stage.
    rm -rf like several
    for s in a b c; do run_of all seed.$s $s 30 6; done
    awk 'NR == 1 || FNR > 1' several/split/all/seed.?/predictions.tsv | awk -F '\t' -v OFS='\t' '
        NR > 1 { $1 = NR; sub(/^a$/, "ravdess", $5); sub(/^b$/, "savee", $5); sub(/^c$/, "cremad", $5) } { print }' >all.tsv
    rm -r several/split/all/seed.[bc]
    mv all.tsv several/split/all/seed.a/predictions.tsv
    ser-report -n 0 several >page2.html
    assert_equal "$(rows 'Test accuracy of the original notebook' page2.html | cut -f 3 | sed 's/[0-9].*/some/' | xargs)" '– – – some'
    mv several/split/all several/split/random1
    ser-report -n 0 several >page2.html
    grep -q 'No stage of the original' page2.html
}

@test "predictions alone are a study; less is none" {
    study -
    ser-report like >page2.html
    perl "$ROOT/tests/well-formed.pl" page2.html
    grep -q 'have no probabilities' page2.html
    grep -q 'nothing is certified' page2.html
    # What a tool warns of is passed on, and no failure.
    sed -i '2s/^\([^\t]*\)\t[^\t]*/\1\t-/' like/split/a/seed.1/predictions.tsv
    run --separate-stderr ser-report -o page2.html like
    assert_success
    assert_equal "$stderr" 'ser-report: like/split/a/seed.1/predictions.tsv: 1 utterance of unknown emotion is left out'
    perl "$ROOT/tests/well-formed.pl" page2.html
    lacks '>By speaker<' page2.html
    rm like/split/a/seed.1/predictions.tsv
    fails 3 "^ser-report: like: not a study" ser-report like
    fails 4 "not a folder" ser-report m.tsv
    fails 4 "none: cannot open" ser-report none
    study ravdess
    printf 'x' >like/split/a/seed.1/model.bin
    fails 3 "model.bin" ser-report like
    study ravdess
    printf 'id\temotion\tpredicted\na\tb\n' >like/split/a/seed.1/predictions.tsv
    fails 3 "2 fields, the header has 3" ser-report like
}

@test "what no page can show is refused" {
    study $'a\001b'
    fails 3 "^ser-report: like: not UTF-8 text, or with control characters" ser-report like
    study $'a\377'
    fails 3 "^ser-report: like: not UTF-8 text" ser-report like
    study ravdess
    cp -r like/split/a $'like/split/b\e[2J'
    fails 3 "^ser-report: like: not UTF-8 text" ser-report like
    study ravdess
    mkdir like/options
    printf 'a\0b\n' >like/options/thing
    fails 3 "^ser-report: like/options/thing: holds a NUL byte" ser-report like
    study ravdess
    printf 'id\tspeaker\tpart\n1\ts\001\ttest\n' >like/split/a/manifest.tsv
    fails 3 "^ser-report: like/split/a/manifest.tsv: not UTF-8 text" ser-report like
}

@test "wrong command lines: 2" {
    fails 2 "one folder is meant" ser-report
    fails 2 "one folder is meant" ser-report study study
    fails 2 "worst: 'x' is not a whole number" ser-report --worst x study
    fails 2 "usage: ser-report" ser-report --frobnicate study
    fails 2 "title is not UTF-8" ser-report --title $'\377' study
}

@test "the same bytes twice, by any name of the folder; no dates" {
    ser-report --worst 4 --title T study >a.html
    TZ=Asia/Tokyo ser-report --worst 4 --title T "$PWD/study/" -o b.html
    same a.html b.html
    [ "$(ser-report -n 0 study | grep -c 'Worst-scored')" = 0 ]
}

@test "output that cannot be written: 4" {
    study ravdess
    run bash -c 'ser-report like >/dev/full'
    assert_failure 4
    run bash -c 'ser-report like >&-'
    [ "$status" = 0 ] || [ "$status" = 4 ]
    fails 4 "nowhere/x: cannot write" ser-report like -o nowhere/x
    mkdir -p tmp
    TMPDIR=$PWD/tmp ser-report like >/dev/null
    TMPDIR=$PWD/tmp run ser-report m.tsv
    assert_equal "$(ls -A tmp)" ""
}

@test "in a browser: no complaint, tables sort by a click, and read the same without a script" {
    grep -q 'aria-sort' page.html
    have_browser || return 0
    browser --enable-logging=stderr --v=0 --dump-dom "file://$PWD/page.html" >dom.html 2>console
    lacks CONSOLE console
    # Each head of a column has become a button.
    assert_equal "$(grep -o '<th[ >]' dom.html | wc -l)" "$(grep -o '<button' dom.html | wc -l)"
    # A driver clicks the second column of the first table twice, in a copy whose policy lets it.
    cat >driver.js <<'END'
var table = document.querySelectorAll('table')[0], buttons = table.querySelectorAll('button');
function seen() { return Array.from(table.tBodies[0].rows).map(function (r) { return r.cells[1].textContent; }).join(' '); }
var log = [seen()];
buttons[1].click(); log.push(seen()); buttons[1].click(); log.push(seen());
log.push(table.tFoot.rows[0].cells[0].textContent, table.querySelectorAll('th')[1].getAttribute('aria-sort'));
// Numbers sort as numbers, and what is none comes last either way.
var cells = ['9.5 %', '–', '10', '-3'];
Array.from(table.tBodies[0].rows).forEach(function (r, i) { r.cells[3].textContent = cells[i]; });
function numbers() { return Array.from(table.tBodies[0].rows).map(function (r) { return r.cells[3].textContent; }).join(' '); }
buttons[3].click(); log.push(numbers()); buttons[3].click(); log.push(numbers());
document.title = log.join('|');
END
    without_policy page.html >free.html
    with_script driver.js free.html >driven.html
    browser --dump-dom "file://$PWD/driven.html" 2>/dev/null >dom.html
    grep -qF '<title>1 2 10 1|1 1 2 10|10 2 1 1|mean|descending|-3 9.5 % 10 –|10 9.5 % -3 –</title>' dom.html || fail "$(grep '<title>' dom.html)"
    # The script of the page runs under its own policy, another one does not.
    with_script driver.js page.html >refused.html
    browser --dump-dom "file://$PWD/refused.html" 2>/dev/null >dom.html
    grep -qF '<title>&lt;script&gt;"T"&amp;</title>' dom.html || fail "$(grep '<title>' dom.html)"
}

@test "in a browser: pictures shrink to a telephone's width; on a wide screen no column is cut off" {
    have_browser || return 0
    run measure 390
    assert_output --regexp '^width 390 pictures 11 cut 0 page cut false tables [1-9]'
    run measure 1280
    assert_output --regexp '^width 1280 pictures 11 cut 0 page cut false tables [1-9][0-9]* cut 0 light as drawn$'
}
