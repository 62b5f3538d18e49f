# ser-split: parts of a manifest.
load helper

# table SPEAKERS ROWS [EMOTIONS]: a manifest with that many speakers s1.. and rows each, emotions in turn
table() {
    awk -v S="$1" -v R="$2" -v E="${3:-2}" 'BEGIN {
        split("angry happy sad calm", name, " ")
        print "id\tpath\tspeaker\temotion"
        for (s = 1; s <= S; s++) for (r = 0; r < R; r++)
            printf "u%d_%03d\tu.wav\ts%d\t%s\n", s, r, s, name[r % E + 1]
    }'
}

# list COLUMN SPEAKER=VALUE...
list() {
    printf 'speaker\t%s\n' "$1"
    shift
    printf '%s\n' "${@//=/$'\t'}"
}

# parts FILE: "speaker part" pairs, each once
parts() {
    awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { print $c["speaker"] "=" $c["part"] }' "$1" | sort -u | xargs
}

count() {
    tail -n +2 "$1" | awk -F'\t' '{ n[$NF]++ } END { printf "%d/%d/%d\n", n["train"], n["val"], n["test"] }'
}

@test "split: listed speakers get their parts, columns and order stay" {
    table 4 3 >m.tsv
    list part s1=train s2=val s3=test s4=train >p.tsv
    ser-split --speakers p.tsv m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=train s2=val s3=test s4=train"
    same <(cut -f 1-4 out.tsv) m.tsv
    assert_equal "$(head -n 1 out.tsv | tr '\t' ' ')" "id path speaker emotion part"
    [ ! -s err ]
    ser-split --speakers p.tsv <m.tsv | same - out.tsv
    ser-split --speakers p.tsv -o o.tsv - <m.tsv
    same o.tsv out.tsv
}

@test "split: one part alone keeps its column" {
    table 3 2 >m.tsv
    list part s1=train s2=val s3=test >p.tsv
    ser-split --speakers p.tsv m.tsv >out.tsv
    for p in train val test; do
        ser-split --speakers p.tsv --part $p m.tsv | same - <(awk -F'\t' -v p=$p 'NR == 1 || $NF == p' out.tsv)
    done
    fails 2 'part' ser-split --speakers p.tsv --part dev m.tsv
}

@test "split: absent speakers are named, unlisted ones refused" {
    table 3 2 >m.tsv
    list part s1=train s2=val s3=test s8=train s9=val >p.tsv
    ser-split --speakers p.tsv m.tsv >out.tsv 2>err
    assert_equal "$(cat err)" "ser-split: m.tsv: speakers that p.tsv lists, without a row: s8 s9"
    list part s1=train s3=test >p.tsv
    fails 3 'm.tsv: speakers that p.tsv does not list: s2$' ser-split --speakers p.tsv m.tsv
    list part s1=train s2=train s3=train s9=test >p.tsv
    fails 3 'the part test would be empty' ser-split --speakers p.tsv m.tsv
}

@test "split: a wrong list is refused" {
    table 2 2 >m.tsv
    list part s1=train s2=test s1=val >p.tsv
    fails 3 'p.tsv: the speaker s1 is there twice' ser-split --speakers p.tsv m.tsv
    list part s1=train s2=test s1=train >p.tsv
    fails 3 'p.tsv: the speaker s1 is there twice' ser-split --speakers p.tsv m.tsv
    list part s1=train s2=dev >p.tsv
    fails 3 "p.tsv: row 2 \(s2\): the part 'dev' is not train, val or test" ser-split --speakers p.tsv m.tsv
    list fold s1=1 s2=2 >p.tsv
    fails 3 "p.tsv: no column 'part'" ser-split --speakers p.tsv m.tsv
    list part s1=1 s2=2 >p.tsv
    fails 3 "p.tsv: no column 'fold'" ser-split --folds p.tsv --fold 1 m.tsv
    printf 'speaker\tpart\n' >p.tsv
    fails 3 'p.tsv: lists no speaker' ser-split --speakers p.tsv m.tsv
    for bad in 0 -1 1.5 x 1001; do
        list fold s1=1 s2=$bad >p.tsv
        fails 3 "the fold '$bad'" ser-split --folds p.tsv --fold 1 m.tsv
    done
    fails 4 'nowhere' ser-split --speakers nowhere m.tsv
}

@test "split: fold I is tested, I mod K + 1 validated" {
    table 5 2 >m.tsv
    list fold s1=1 s2=2 s3=3 s4=3 s5=2 >f.tsv
    ser-split --folds f.tsv --fold 1 m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=test s2=val s3=train s4=train s5=val"
    ser-split --folds f.tsv --fold 2 m.tsv >out.tsv 2>>err
    assert_equal "$(parts out.tsv)" "s1=train s2=test s3=val s4=val s5=test"
    ser-split --folds f.tsv --fold 3 m.tsv >out.tsv 2>>err
    assert_equal "$(parts out.tsv)" "s1=val s2=train s3=test s4=test s5=train"
    [ ! -s err ]
    fails 2 "'4' is none of the folds 1 to 3" ser-split --folds f.tsv --fold 4 m.tsv
    fails 2 "'0' is none" ser-split --folds f.tsv --fold 0 m.tsv
    fails 2 "'two' is none" ser-split --folds f.tsv --fold two m.tsv
    fails 2 "only one input can be standard input, not 2" ser-split --folds - --fold 1
    fails 2 "only one input can be standard input, not 2" ser-split --speakers - -
}

@test "split: an empty fold is skipped by name for validation, and cannot be tested" {
    table 3 2 >m.tsv
    list fold s1=1 s2=2 s3=3 s8=4 s9=5 >f.tsv
    ser-split --folds f.tsv --fold 3 m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=val s2=train s3=test"
    assert_equal "$(cat err)" "\
ser-split: m.tsv: speakers that f.tsv lists, without a row: s8 s9
ser-split: m.tsv: folds without a speaker in the manifest, skipped: 4 5
ser-split: m.tsv: validation is fold 1"
    list fold s1=2 s2=3 s3=4 s8=1 s9=5 >f.tsv
    ser-split --folds f.tsv --fold 4 m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=val s2=train s3=test"
    grep -qx 'ser-split: m.tsv: folds without a speaker in the manifest, skipped: 5 1' err
    list fold s1=1 s2=2 s3=3 s8=4 s9=5 >f.tsv
    fails 3 'fold 5 cannot be tested' ser-split --folds f.tsv --fold 5 m.tsv
    list fold s1=1 s2=2 s3=2 >f.tsv
    fails 3 'the part train would be empty' ser-split --folds f.tsv --fold 1 m.tsv
    list fold s1=1 s2=1 s3=1 >f.tsv
    fails 3 'would be empty' ser-split --folds f.tsv --fold 1 m.tsv
}

@test "split: --no-val trains on what would be validated, --no-test validates fold I" {
    table 5 2 >m.tsv
    list fold s1=1 s2=2 s3=3 s4=3 s5=2 >f.tsv
    ser-split --folds f.tsv --fold 1 --no-val m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=test s2=train s3=train s4=train s5=train"
    ser-split --folds f.tsv --fold 2 --no-test m.tsv >out.tsv 2>>err
    assert_equal "$(parts out.tsv)" "s1=train s2=val s3=train s4=train s5=val"
    ser-split --leave-out s5 --no-val m.tsv >out.tsv 2>>err
    assert_equal "$(parts out.tsv)" "s1=train s2=train s3=train s4=train s5=test"
    list part s1=train s2=val s3=test s4=val s5=train >p.tsv
    ser-split --speakers p.tsv --no-val m.tsv >out.tsv 2>>err
    assert_equal "$(parts out.tsv)" "s1=train s2=train s3=test s4=train s5=train"
    assert_equal "$(ser-split --speakers p.tsv --no-val --part val m.tsv 2>>err | wc -l)" 1
    [ ! -s err ]
    # Which fold would be validated is not told.
    table 3 2 >m.tsv
    list fold s1=1 s2=3 s3=4 >f.tsv
    ser-split --folds f.tsv --fold 1 --no-val m.tsv >out.tsv 2>err
    ser-split --folds f.tsv --fold 1 --no-test m.tsv >out.tsv 2>>err
    [ ! -s err ] || fail "$(cat err)"
    # No two folds, no two parts.
    list fold s1=1 s2=1 s3=1 >f.tsv
    fails 3 'the part train would be empty' ser-split --folds f.tsv --fold 1 --no-val m.tsv
    fails 3 'the part train would be empty' ser-split --folds f.tsv --fold 1 --no-test m.tsv
    # An emotion that training lacks is told as before; that there is no validation is not.
    rows id,speaker,emotion u1,s1,sad u2,s2,sad u3,s3,calm u4,s3,sad >m.tsv
    list fold s1=1 s2=2 s3=3 >f.tsv
    ser-split --folds f.tsv --fold 3 --no-val m.tsv >out.tsv 2>err
    assert_equal "$(cat err)" "ser-split: m.tsv: none of the 1 utterances of 'calm' is in the part train"
    fails 2 '--no-val belongs to lists, folds and speakers' ser-split --random 70/15/15 --no-val m.tsv
    fails 2 '--no-test belongs to --fold' ser-split --leave-out s1 --no-test m.tsv
    fails 2 '--no-test belongs to --fold' ser-split --folds f.tsv --fold 1 --no-test --no-val m.tsv
}

@test "split: the speaker after the one left out is validated" {
    table 3 2 >m.tsv
    ser-split --leave-out s1 m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=test s2=val s3=train"
    ser-split --leave-out s3 m.tsv >out.tsv 2>>err
    assert_equal "$(parts out.tsv)" "s1=val s2=train s3=test"
    [ ! -s err ]
    fails 3 'm.tsv: has no speaker s4' ser-split --leave-out s4 m.tsv
    table 2 2 >m.tsv
    fails 3 'train would be empty' ser-split --leave-out s1 m.tsv
    table 1 2 >m.tsv
    fails 3 'would be empty' ser-split --leave-out s1 m.tsv
}

@test "split: random parts are stratified, and marked as random" {
    table 10 30 3 >m.tsv
    ser-split --random 70/15/15 m.tsv >out.tsv 2>err
    assert_equal "$(count out.tsv)" 210/45/45
    for e in angry happy sad; do
        assert_equal "$(count <(awk -F'\t' -v e=$e 'NR == 1 || $4 == e' out.tsv))" 70/15/15
    done
    assert_equal "$(head -n 1 out.tsv | cut -f 5-)" $'split\tpart'
    assert_equal "$(tail -n +2 out.tsv | cut -f 5 | sort -u)" random
    same <(cut -f 1-4 out.tsv) m.tsv
    assert_equal "$(cat err)" "ser-split: m.tsv: 10 of 10 speakers are in more than one part: scores will flatter"
}

@test "split: random parts depend on seed and id, not on the order of rows" {
    table 10 30 >m.tsv
    ser-split --random 60/20/20 m.tsv >a.tsv 2>err
    ser-split --random 60/20/20 --seed 1 m.tsv >b.tsv 2>err
    same a.tsv b.tsv
    { head -n 1 m.tsv && tail -n +2 m.tsv | tac; } >r.tsv
    ser-split --random 60/20/20 r.tsv >b.tsv 2>err
    same <(sort a.tsv) <(sort b.tsv)
    ser-split --random 60/20/20 --seed 2 m.tsv >b.tsv 2>err
    ! cmp -s a.tsv b.tsv || fail "another seed, the same parts"
    assert_equal "$(count b.tsv)" 180/60/60
}

@test "split: RAVDESS' sizes at random are the notebook's" {
    awk 'BEGIN { print "id\tspeaker\temotion"
        for (i = 0; i < 1440; i++) printf "r%d\ta%d\t%s\n", i, i % 24, i < 96 ? "neutral" : "e" int((i - 96) / 192) }' >m.tsv
    ser-split --random 70/15/15 m.tsv >out.tsv 2>err
    assert_equal "$(count out.tsv)" 1008/216/216
}

@test "split: no share is a whole row off, over an emotion or over all" {
    for seed in 1 2 3 4 5 6; do
        awk -v S=$seed 'BEGIN { srand(S); print "id\tspeaker\temotion"
            for (i = 0; i < 157; i++) printf "r%d\tx\te%d\n", i, int(9 * rand() * rand()) }' >m.tsv
        for way in 70/15/15 1/1/98 33/33/34 95/5/0 50/25/25; do
            ser-split --random $way m.tsv 2>err >out.tsv || { grep -q 'would be empty' err && continue; }
            awk -F'\t' -v way=$way 'NR > 1 { n[$3]++; k[$3, $5]++; all[$5]++ }
                function off(got, want) { return got <= want - 1 || got >= want + 1 }
                END { split(way, a, "/"); name[1] = "train"; name[2] = "val"; name[3] = "test"
                    for (p = 1; p <= 3; p++) {
                        if (off(all[name[p]], 157 * a[p] / 100)) { print "all", name[p], all[name[p]]; bad = 1 }
                        for (e in n) if (off(k[e, name[p]], n[e] * a[p] / 100)) { print e, n[e], name[p], k[e, name[p]]; bad = 1 }
                    }
                    exit bad }' out.tsv || fail "seed $seed, $way"
        done
    done
}

@test "split: whom nobody knows is shared with nobody, and that is told" {
    rows id,speaker,emotion a,-,sad b,,sad c,-,happy d,-,happy >m.tsv
    ser-split --random 50/50/0 m.tsv >out.tsv 2>err
    assert_equal "$(cat err)" "ser-split: m.tsv: the speaker of 4 of 4 utterances is unknown: whether the parts share \
speakers cannot be judged"
    rows id,corpus,speaker,emotion,part a,c,-,sad,train b,c,-,sad,test >s.tsv
    run --separate-stderr ser-split --certificate s.tsv
    assert_success
    assert_line $'all\tshared.speakers\tunknown'
    assert_equal "$stderr" "ser-split: s.tsv: the speaker of 2 of 2 utterances is unknown: whether the parts share \
speakers cannot be judged"
    { cat <<<"$output"; } >1.tsv
    rows id,corpus,speaker,emotion,part a,c,s1,sad,train b,c,s1,sad,test | ser-split --certificate 2>err >2.tsv || [ $? = 1 ]
    assert_equal "$(helper sum-certificates 2.tsv 1.tsv | tail -n 1)" "splits: 2; in more than one part: unknown speakers, unknown recordings"
    assert_equal "$(helper sum-certificates 1.tsv 2.tsv | tail -n 1)" "splits: 2; in more than one part: unknown speakers, unknown recordings"
    assert_equal "$(helper sum-certificates 2.tsv 2.tsv | tail -n 1)" "splits: 2; in more than one part: up to 1 speakers, unknown recordings"
}

@test "split: an emotion that a part lacks is named" {
    { table 4 10; rows x1,u.wav,s1,calm x2,u.wav,s2,calm; } >m.tsv
    ser-split --random 60/20/20 m.tsv 2>err >out.tsv
    lacks=$(for p in train val test; do
        grep -q "calm.*$p\$" out.tsv || echo "ser-split: m.tsv: none of the 2 utterances of 'calm' is in the part $p"
    done)
    [ -n "$lacks" ]
    assert_equal "$(grep -v speakers err)" "$lacks"
    list part s1=train s2=train s3=val s4=test >p.tsv
    ser-split --speakers p.tsv m.tsv 2>err >out.tsv
    assert_equal "$(cat err)" "\
ser-split: m.tsv: none of the 2 utterances of 'calm' is in the part val
ser-split: m.tsv: none of the 2 utterances of 'calm' is in the part test"
    # Nobody asked for the part test, and - is no emotion.
    { table 4 10; rows x1,u.wav,s1,-; } >m.tsv
    ser-split --random 80/20/0 m.tsv 2>err >out.tsv
    assert_equal "$(grep -v speakers err)" ""
}

@test "split: percentages must be three and add up to 100" {
    table 3 10 >m.tsv
    for bad in 70/15 70/15/14 70/15/15/0 a/b/c 70/15/x '' 110/-5/-5 70//30 70/15/15/; do
        fails 2 'is not A/B/C' ser-split --random "$bad" m.tsv
    done
    ser-split --random 80/0/20 m.tsv >out.tsv 2>err
    assert_equal "$(count out.tsv)" 24/0/6
    fails 3 'the part val would be empty' ser-split --random 98/1/1 m.tsv
}

@test "split: the same audio in two parts is refused, at random it is reported" {
    { printf 'id\tspeaker\temotion\taudio_hash\n'
      printf '%s\n' u1,s1,sad,00000000000000aa u2,s2,sad,00000000000000bb u3,s3,sad,00000000000000aa \
          u4,s1,sad,00000000000000aa u5,s2,sad,- u6,s3,sad,- u7,s1,sad, u8,s2,sad, | tr , '\t'; } >m.tsv
    list part s1=train s2=val s3=test >p.tsv
    fails 3 'm.tsv: u1 \(train\) and u3 \(test\) are the same audio' ser-split --speakers p.tsv m.tsv
    list part s1=train s2=val s3=train >p.tsv
    ser-split --speakers p.tsv m.tsv >out.tsv 2>err
    [ ! -s err ]
    ser-split --random 34/33/33 m.tsv >out.tsv 2>err
    grep -q 'the same audio is in two parts: u' err
}

@test "split: what is no manifest is refused" {
    list part s1=train s2=val s3=test >p.tsv
    table 3 2 | cut -f 1,2,4 >m.tsv
    fails 3 "m.tsv: no column 'speaker'" ser-split --speakers p.tsv m.tsv
    table 3 2 | cut -f 2- >m.tsv
    fails 3 "m.tsv: no column 'id'" ser-split --speakers p.tsv m.tsv
    table 3 2 | cut -f 1-3 >m.tsv
    fails 3 "m.tsv: no column 'emotion'" ser-split --speakers p.tsv m.tsv
    table 3 2 | sed 's/u2_001/u1_000/' >m.tsv
    fails 3 'm.tsv: the id u1_000 is there twice' ser-split --speakers p.tsv m.tsv
    table 3 2 | head -n 1 >m.tsv
    fails 3 'm.tsv: has no rows' ser-split --speakers p.tsv m.tsv
    table 3 2 | sed 's/\ts2\t/\t-\t/' >m.tsv
    fails 3 'the speaker of u2_000 is unknown' ser-split --speakers p.tsv m.tsv
    fails 3 'the speaker of u2_000 is unknown' ser-split --leave-out s1 m.tsv
    : >m.tsv
    fails 3 'm.tsv: empty input' ser-split --speakers p.tsv m.tsv
    table 3 2 >m.tsv
    for way in '--speakers p.tsv' '--random 50/25/25'; do
        ser-split $way m.tsv >out.tsv 2>err
        fails 3 "out.tsv: has a column '(part|split)' already" ser-split --speakers p.tsv out.tsv
    done
}

@test "split: an empty speaker is unknown" {
    { table 3 2; printf 'x\tu.wav\t\tsad\n'; } >m.tsv
    fails 3 'm.tsv: the speaker of x is unknown' ser-split --leave-out s1 m.tsv
}

# rows HEADER ROW...: a table, of which commas separate the fields
rows() {
    printf '%s\n' "$@" | tr , '\t'
}

@test "certificate: what is in each part, counted and summed" {
    rows id,corpus,speaker,emotion,audio_hash,part u3,c2,s2,sad,h3,train u1,c1,s1,sad,h1,train u2,c1,s1,happy,h2,train \
        u5,c1,s4,sad,h5,test u4,c1,s3,sad,h4,val >m.tsv
    sum() { printf '%s\n' "$@" | sha256sum | cut -d ' ' -f 1; }
    rows part,what,value train,utterances,3 train,speakers,2 train,corpus.c1,2 train,corpus.c2,1 \
        train,emotion.happy,1 train,emotion.sad,2 train,speaker.s1,2 train,speaker.s2,1 \
        "train,sha256.id,$(sum u1 u2 u3)" "train,sha256.audio,$(sum h1 h2 h3)" \
        val,utterances,1 val,speakers,1 val,corpus.c1,1 val,emotion.sad,1 val,speaker.s3,1 \
        "val,sha256.id,$(sum u4)" "val,sha256.audio,$(sum h4)" \
        test,utterances,1 test,speakers,1 test,corpus.c1,1 test,emotion.sad,1 test,speaker.s4,1 \
        "test,sha256.id,$(sum u5)" "test,sha256.audio,$(sum h5)" all,shared.speakers,0 all,shared.audio,0 >expected
    ser-split --certificate m.tsv >c.tsv 2>err
    diff c.tsv expected
    [ ! -s err ]
    ser-split --certificate -o o.tsv - <m.tsv
    same o.tsv c.tsv
    # The order of rows is no matter, and a part may be empty.
    { head -n 1 m.tsv && tail -n +2 m.tsv | tac; } | ser-split --certificate | same - c.tsv
    grep -v 'val$' m.tsv | ser-split --certificate | sed -n '/^val/p' >got
    diff got <(rows val,utterances,0 val,speakers,0 "val,sha256.id,$(sha256sum </dev/null | cut -d ' ' -f 1)" \
        "val,sha256.audio,$(sha256sum </dev/null | cut -d ' ' -f 1)")
    # Without checksums of the audio nobody knows what is shared.
    cut -f 1-4,6 m.tsv | ser-split --certificate | diff - <(sed '/sha256.audio/d; s/shared.audio.*/shared.audio\tunknown/' expected)
}

@test "certificate: parts that share speakers or audio are a no, unless at random" {
    rows id,corpus,speaker,emotion,audio_hash,part u1,c,s1,sad,h1,train u2,c,s1,sad,h2,test u3,c,s1,sad,h2,val \
        u4,c,s2,sad,h4,train u5,c,-,sad,-,train u6,c,-,sad,-,test u7,c,,sad,,val u8,c,,sad,,test \
        u9,c,s2,sad,h2,train >m.tsv
    run -1 --separate-stderr ser-split --certificate m.tsv
    assert_equal "$(tail -n 2 <<<"$output")" "$(rows all,shared.speakers,1 all,shared.audio,1)"
    assert_equal "$(grep $'\tspeakers\t' <<<"$output" | xargs)" "train speakers 2 val speakers 1 test speakers 1"
    assert_equal "$stderr" "\
ser-split: m.tsv: the same audio is in two parts: u2 (test) and u3 (val) (pairs: 2)
ser-split: m.tsv: 1 of 2 speakers are in more than one part: scores will flatter
ser-split: m.tsv: the speaker of 4 of 9 utterances is unknown: whether the parts share speakers cannot be judged"
    # One of the two is enough.
    grep -v '^u[39]' m.tsv >speakers.tsv
    run -1 --separate-stderr ser-split --certificate speakers.tsv
    assert_equal "$stderr" "\
ser-split: speakers.tsv: 1 of 2 speakers are in more than one part: scores will flatter
ser-split: speakers.tsv: the speaker of 4 of 7 utterances is unknown: whether the parts share speakers cannot be judged"
    sed 's/^\(u[12]\tc\t\)s1/\1s3/; s/^\(u3\tc\t\)s1/\1s4/; s/^\(u1.*\)train/\1test/' m.tsv >audio.tsv
    run -1 --separate-stderr ser-split --certificate audio.tsv
    assert_equal "$stderr" "\
ser-split: audio.tsv: the same audio is in two parts: u2 (test) and u3 (val) (pairs: 2)
ser-split: audio.tsv: the speaker of 4 of 9 utterances is unknown: whether the parts share speakers cannot be judged"
    # At random it is told, and no failure; but every row has to say so.
    sed 's/\t\([^\t]*\)$/\trandom\t\1/; 1s/random/split/' m.tsv >r.tsv
    run -0 --separate-stderr ser-split --certificate r.tsv
    assert_equal "$stderr" "\
ser-split: r.tsv: split at random: the same audio is in two parts: u2 (test) and u3 (val) (pairs: 2)
ser-split: r.tsv: split at random: 1 of 2 speakers are in more than one part: scores will flatter
ser-split: r.tsv: split at random: the speaker of 4 of 9 utterances is unknown: whether the parts share speakers cannot be judged"
    sed '$s/random/other/' r.tsv >other.tsv
    run -1 ser-split --certificate other.tsv
    sed '2s/random/other/' r.tsv >other.tsv
    run -1 ser-split --certificate other.tsv
}

@test "certificate: of what ser-split has split itself" {
    table 4 6 | sed 's/$/\tc/; 1s/c$/corpus/' >m.tsv
    ser-split --leave-out s1 m.tsv | ser-split --certificate | tail -n 2 | diff - <(rows all,shared.speakers,0 all,shared.audio,unknown)
    ser-split --random 34/33/33 m.tsv 2>err >out.tsv
    ser-split --certificate out.tsv 2>again | grep -qx $'all\tshared.speakers\t4'
    diff <(sed 's/m.tsv: /out.tsv: split at random: /' err) again
}

@test "certificate: what is no split manifest is refused" {
    rows id,corpus,speaker,emotion,part u1,c,s1,sad,train u2,c,s2,sad,dev >m.tsv
    fails 3 "m.tsv: row 2 \(u2\): the part 'dev' is not train, val or test" ser-split --certificate m.tsv
    rows id,corpus,speaker,emotion u1,c,s1,sad >m.tsv
    fails 3 "m.tsv: no column 'part'" ser-split --certificate m.tsv
    rows id,speaker,emotion,part u1,s1,sad,train >m.tsv
    fails 3 "m.tsv: no column 'corpus'" ser-split --certificate m.tsv
    rows id,corpus,speaker,emotion,part u1,c,s1,sad,train u1,c,s1,sad,train >m.tsv
    fails 3 'the id u1 is there twice' ser-split --certificate m.tsv
    fails 2 'give one of' ser-split --certificate --leave-out s1 m.tsv
    fails 2 '--part belongs to' ser-split --certificate --part train m.tsv
    fails 2 '--seed belongs to --random' ser-split --certificate --seed 2 m.tsv
}

# folds FILE MANIFEST: of each fold, how many utterances of each emotion
folds() {
    awk -F'\t' 'FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        FILENAME == ARGV[1] { fold[$1] = $2; next }
        { n[fold[$c["speaker"]] " " $c["emotion"]]++ }
        END { for (k in n) print k, n[k] }' "$1" "$2" | sort -k1,1n -k2
}

@test "folds: made of speakers, each once, as many of each emotion in each; --folds reads them" {
    # 10 speakers with 4 of each of three emotions, 5 with 8 of each: 80 of each to 5 folds.
    { table 10 12 3; table 5 24 3 | sed '1d; s/\ts\([1-5]\)\t/\tt\1\t/; s/^u/v/'; } >m.tsv
    for seed in 1 2 3; do
        ser-split --make-folds 5 --seed $seed m.tsv >f$seed.tsv 2>err
        [ ! -s err ]
        assert_equal "$(head -n 1 f$seed.tsv)" $'speaker\tfold'
        same <(tail -n +2 f$seed.tsv | cut -f 1) <(tail -n +2 m.tsv | cut -f 3 | LC_ALL=C sort -u)
        assert_equal "$(folds f$seed.tsv m.tsv | cut -d ' ' -f 2,3 | sort | uniq -c | awk '{ print $1, $2, $3 }' | xargs)" \
            "5 angry 16 5 happy 16 5 sad 16"
    done
    ! cmp -s f1.tsv f2.tsv || fail "another seed, the same folds"
    ser-split --make-folds 5 m.tsv | same - f1.tsv
    # Neither the order of rows nor that of the speakers' utterances matters.
    { head -n 1 m.tsv && tail -n +2 m.tsv | tac; } | ser-split --make-folds 5 -o r.tsv
    same r.tsv f1.tsv
    for fold in 1 2 3 4 5; do ser-split --folds f1.tsv --fold $fold --part test m.tsv; done | grep -v ^id | sort |
        same - <(tail -n +2 m.tsv | sed 's/$/\ttest/' | sort)
}

@test "folds: speakers of all sizes, some of few emotions" {
    # Sizes from 1 to 40, as those of the corpora found on the net: what is largest goes nowhere else.
    awk 'BEGIN { print "id\tspeaker\temotion"; srand(3)
        for (s = 1; s <= 30; s++) for (i = 0; i < 1 + int(40 * rand()); i++)
            print "u" s "_" i "\ts" s "\te" int((s % 3 ? 4 : 2) * rand()) }' >m.tsv
    ser-split --make-folds 4 m.tsv >f.tsv
    # No fold is more than a tenth of an emotion's utterances off its quarter.
    folds f.tsv m.tsv | awk '{ n[$2] += $3; k[$1, $2] = $3; f[$1] }
        END { for (e in n) for (i in f) if ((d = k[i, e] / n[e] - 0.25) > 0.1 || d < -0.1) { print i, e, k[i, e], n[e]; bad = 1 } exit bad }'
    assert_equal "$(cut -f 2 f.tsv | sort -u | xargs)" "1 2 3 4 fold"
}

@test "folds: no fold is empty, and what is too small for all folds is told" {
    rows id,speaker,emotion a,s1,sad b,s2,happy c,s3,calm d,s4,- >m.tsv
    ser-split --make-folds 4 m.tsv >f.tsv 2>err
    assert_equal "$(tail -n +2 f.tsv | cut -f 2 | sort | xargs)" "1 2 3 4"
    assert_equal "$(cat err)" "\
ser-split: m.tsv: 3 of 4 folds have none of the 1 utterances of 'calm' (speakers: 1)
ser-split: m.tsv: 3 of 4 folds have none of the 1 utterances of 'happy' (speakers: 1)
ser-split: m.tsv: 3 of 4 folds have none of the 1 utterances of 'sad' (speakers: 1)"
    fails 3 'm.tsv: has 4 speakers, too few for 5 folds' ser-split --make-folds 5 m.tsv
    fails 2 'make-folds' ser-split --make-folds 1 m.tsv
    fails 2 'make-folds' ser-split --make-folds 1001 m.tsv
    fails 2 '--part belongs to' ser-split --make-folds 2 --part test m.tsv
    fails 2 'give one of' ser-split --make-folds 2 --leave-out s1 m.tsv
    printf 'x\t-\tsad\n' >>m.tsv
    fails 3 'm.tsv: the speaker of x is unknown' ser-split --make-folds 2 m.tsv
    rows id,speaker,emotion,audio_hash a,s1,sad,aa b,s2,sad,aa >m.tsv
    fails 3 'm.tsv: a \(fold [12]\) and b \(fold [12]\) are the same audio' ser-split --make-folds 2 m.tsv
}

@test "folds: a table in which each fold names its parts is obeyed" {
    table 3 2 >m.tsv
    rows speaker,fold,part s1,1,test s2,1,train s3,1,val s1,2,train s2,2,test s3,2,train s9,2,val s9,1,train >f.tsv
    ser-split --folds f.tsv --fold 1 m.tsv >out.tsv 2>err
    assert_equal "$(parts out.tsv)" "s1=test s2=train s3=val"
    assert_equal "$(cat err)" "ser-split: m.tsv: speakers that f.tsv, fold 1 lists, without a row: s9"
    fails 3 'm.tsv: the part val would be empty' ser-split --folds f.tsv --fold 2 m.tsv
    sed -i '/s9\t2/d' f.tsv
    ser-split --folds f.tsv --fold 2 m.tsv >out.tsv
    assert_equal "$(parts out.tsv)" "s1=train s2=test s3=train"
    fails 2 "'3' is none of the folds 1 to 2 of f.tsv" ser-split --folds f.tsv --fold 3 m.tsv
    sed -i '/s1\t2/d' f.tsv
    fails 3 'm.tsv: speakers that f.tsv, fold 2 does not list: s1$' ser-split --folds f.tsv --fold 2 m.tsv
    rows s2,2,val >>f.tsv
    fails 3 'f.tsv, fold 2: the speaker s2 is there twice: each has one part' ser-split --folds f.tsv --fold 2 m.tsv
    ser-split --folds f.tsv --fold 1 m.tsv >out.tsv 2>err
    rows s2,1,dev >>f.tsv
    fails 3 "f.tsv: row 8 \(s2\): the part 'dev' is not train, val or test" ser-split --folds f.tsv --fold 2 m.tsv
    # make finds which of them can be tested.
    rows speaker,fold,part s1,1,test s2,1,train s3,1,val s9,2,test s1,2,train s3,2,val s2,3,test s1,3,train s9,3,train >f.tsv
    assert_equal "$(helper testable-folds m.tsv f.tsv)" \
        $'FOLD = 1 3\nLEFT_OUT = folds without a speaker: 2; speakers without a recording: s9'
    fails 3 'f.tsv: each fold names its own parts' helper pair-parts c f.tsv m.tsv
}

# dialogues: four sessions of two speakers each, and the same with a session that shares one
dialogues() {
    printf 'id\tcorpus\tspeaker\temotion\tsession\n'
    for s in 1 2 3 4; do
        for i in 1 2 3 4; do printf 'u%s%s\tc\t%s%s\t%s\t%s\n' $s $i $s "$((i % 2 ? 1 : 2))" "$([ $i -gt 2 ] && echo sad || echo happy)" $s; done
    done
}

@test "groups: what --group names stays together, everywhere" {
    dialogues >m.tsv
    ser-split --make-folds 2 --group session m.tsv >f.tsv 2>err
    assert_equal "$(head -n 1 f.tsv) $(wc -l <f.tsv)" $'session\tfold 5'
    ser-split --make-folds 4 --group session m.tsv >f.tsv 2>err
    ser-split --folds f.tsv --fold 1 --group session m.tsv >out.tsv 2>>err
    tested=$(awk -F'\t' '$2 == 1 { print $1 }' f.tsv)
    assert_equal "$(awk -F'\t' '$6 == "test" { print $5 }' out.tsv | sort -u | xargs)" "$tested"
    assert_equal "$(awk -F'\t' '$6 == "test" { print $3 }' out.tsv | sort -u | xargs)" "${tested}1 ${tested}2"
    [ ! -s err ]
    ser-split --leave-out 4 --group session m.tsv >out.tsv
    assert_equal "$(tail -n +2 out.tsv | cut -f 5,6 | tr '\t' = | sort -u | xargs)" "1=val 2=train 3=train 4=test"
    rows session,part 1,train 2,train 3,val 4,test >p.tsv
    ser-split --speakers p.tsv --group session m.tsv >out.tsv
    assert_equal "$(tail -n +2 out.tsv | cut -f 5,6 | tr '\t' = | sort -u | xargs)" "1=train 2=train 3=val 4=test"
    ser-split --certificate --group session out.tsv >c.tsv
    assert_equal "$(grep -E 'group' c.tsv | tr '\t' ' ')" "\
train groups 2
train group.1 4
train group.2 4
val groups 1
val group.3 4
test groups 1
test group.4 4
all shared.groups 0"
    ser-split --certificate out.tsv | same - <(grep -v group c.tsv)
    # Parts by speaker share sessions.
    ser-split --leave-out 11 m.tsv >out.tsv
    run -0 ser-split --certificate out.tsv
    run -1 --separate-stderr ser-split --certificate --group session out.tsv
    assert_line $'all\tshared.groups\t1'
    assert_equal "$stderr" "ser-split: out.tsv: 1 of 4 sessions are in more than one part"
    fails 3 "p.tsv: no column 'speaker'" ser-split --speakers p.tsv m.tsv
    fails 3 "m.tsv: no column 'dialogue'" ser-split --leave-out 1 --group dialogue m.tsv
    fails 3 'm.tsv: has no session 9' ser-split --leave-out 9 --group session m.tsv
    fails 2 'random draws utterances one by one' ser-split --random 50/25/25 --group session m.tsv
}

@test "groups: speakers in common are refused, unknown ones are told" {
    dialogues | sed 's/\t42\t/\t11\t/' >m.tsv
    fails 3 'm.tsv: 1 of 7 speakers would be in more than one part: each session needs' ser-split --leave-out 4 --group session m.tsv
    fails 3 'm.tsv: 1 of 7 speakers would be in more than one fold: each session needs' ser-split --make-folds 4 --group session m.tsv
    dialogues | sed 's/\t42\t/\t-\t/' >m.tsv
    for way in '--leave-out 4' '--make-folds 2'; do
        ser-split $way --group session m.tsv 2>err >out.tsv
        assert_equal "$(cat err)" "ser-split: m.tsv: the speaker of 2 of 16 utterances is unknown: whether the parts share \
speakers cannot be judged"
    done
    dialogues | sed 's/\t4$/\t-/' >m.tsv
    fails 3 'm.tsv: the session of u41 is unknown' ser-split --leave-out 1 --group session m.tsv
}

@test "split: exactly one way must be given" {
    table 3 2 >m.tsv
    list part s1=train s2=val s3=test >p.tsv
    list fold s1=1 s2=2 s3=3 >f.tsv
    fails 2 'give one of' ser-split m.tsv
    fails 2 'give one of' ser-split --speakers p.tsv --leave-out s1 m.tsv
    fails 2 'give one of' ser-split --speakers p.tsv --random 70/15/15 m.tsv
    fails 2 'go together' ser-split --folds f.tsv m.tsv
    fails 2 'go together' ser-split --fold 1 --speakers p.tsv m.tsv
    fails 2 '--seed belongs to --random' ser-split --seed 3 --leave-out s1 m.tsv
    fails 2 'more than one manifest' ser-split --speakers p.tsv m.tsv m.tsv
}

# speakers_of CORPUS: those that its description counts, and of two that it counts as a whole
speakers_of() {
    case $1 in
    iemocap) printf 'iemocap_%s\n' 0{1..5}{F,M} ;;
    msp-improv) printf 'msp-improv_%s\n' {F,M}0{1..6} ;;
    *) awk -v corpus="$1" '$1 == "count" { for (i = 3; i <= NF; i++) {
            if ($i !~ /^[0-9]+-[0-9]+$/) { print corpus "_" $i; continue }
            split($i, range, "-")
            for (s = range[1] + 0; s <= range[2] + 0; s++) printf "%s_%0*d\n", corpus, length(range[1]), s
        } }' "$ROOT/manifests/$1.corpus" | sort -u ;;
    esac
}

@test "split: each table of folds that is shipped has all speakers of its corpus, once a fold, and splits it" {
    seen=0
    for table in "$ROOT"/manifests/*-{folds?,emobox,emosuperb}.tsv; do
        corpus=${table##*/}
        corpus=${corpus%-*}
        [ -e "$ROOT/manifests/$corpus.corpus" ] || corpus=${corpus/-/ } # of two
        for c in $corpus; do speakers_of "$c"; done | sort >speakers
        [ -s speakers ]
        awk -F'\t' -v OFS='\t' 'BEGIN { print "id", "speaker", "emotion" } { print $1 ".1", $1, "sad" }' speakers >m.tsv
        folds=$(tail -n +2 "$table" | cut -f 2 | sort -n | tail -n 1)
        for ((fold = 1; fold <= folds; fold++)); do
            ser-split --folds "$table" --fold $fold --part test m.tsv 2>err | tail -n +2 | cut -f 2
            [ ! -s err ] || fail "$table: $(cat err)"
        done | sort >tested
        diff speakers tested || fail "$table: not everyone is tested once"
        if head -n 1 "$table" | grep -q part; then
            assert_equal "$(wc -l <"$table")" $((folds * $(wc -l <speakers) + 1))
        fi
        seen=$((seen + 1))
    done
    assert_equal $seen 17
}

@test "split: the field's folds are those of their source" {
    source=${SER_REFERENCE-}/../corpora
    if [ ! -e "$source/folds-emobox.tsv" ]; then
        echo "# left out: the folds' sources; set SER_REFERENCE" >&3
        return
    fi
    for table in "$ROOT"/manifests/*-emobox.tsv; do
        tail -n +2 "$table" | sed "s/_/\t/"
    done | sort | diff - <(tail -n +2 "$source/folds-emobox.tsv" | sort)
    for table in "$ROOT"/manifests/*-emosuperb.tsv; do
        tail -n +2 "$table" | sed "s/_/\t/; /^iemocap/s/0\([1-5]\)[FM]/Session\1/"
    done | awk -F'\t' -v OFS='\t' '{ print $1, $3, $2, $4 }' | sort -u | diff - <(tail -n +2 "$source/folds-emosuperb.tsv" | sort)
}

@test "split: the project's splits of the three whole corpora have the known sizes" {
    awk -F'\t' 'BEGIN { print "id\tspeaker\temotion" }
        $2 != "-" && NR > 1 { for (i = 0; i < $3; i++) print $2 "_" i "\t" $2 "\tsad" }' "$ROOT/manifests/counts.tsv" >m.tsv
    ser-split --speakers "$ROOT/manifests/combined-notebook.tsv" m.tsv >out.tsv
    assert_equal "$(count out.tsv)" "$((1080 + 240 + 5311))/$((180 + 120 + 1065))/$((180 + 120 + 1066))"
    for c in ravdess-folds5 savee-folds4 cremad-folds5; do
        { head -n 1 m.tsv && grep "${c%%-*}" m.tsv; } >c.tsv
        for fold in 1 2 3 4; do ser-split --folds "$ROOT/manifests/$c.tsv" --fold $fold --part test c.tsv; done | sort | uniq -d >twice
        assert_equal "$(cut -f 1 twice)" id
    done
}
