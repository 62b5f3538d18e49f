#!/usr/bin/env bats
# ser-view: rows that pass, smoothed or not; JSON; pictures; and the display, on a terminal of the tests' own.
load helper

# predictions [P LEVEL]...: a table of windows, one a second, in which angry has the probability P and sad 1 - P; where
# P is -, there is no speech
predictions() {
    printf 'id\temotion\tpredicted\tconfidence\tp_angry\tp_sad\tspeaker\tcorpus\tsex\tstart_s\tend_s\tspeech\tlevel_db\n'
    printf '%s %s\n' "$@" | awk -v OFS='\t' '{
        q = $1 == "-" ? "-" : 1 - $1
        best = $1 == "-" ? "-" : $1 >= q ? "angry" : "sad"
        print "a.wav@" NR - 1, "-", best, best == "sad" ? q : $1, $1, q, "-", "-", "-", NR - 1, NR + 1,
            ($1 == "-" ? 0.1 : 0.9), $2}'
}

# What is waited for before the screen is looked at is what is drawn last.
# on SIZE ACTION... -- OPTION...: ser-view on such a terminal
on() {
    local words=()
    while [ "$1" != -- ]; do
        words+=("$1")
        shift
    done
    TERM=${terminal-xterm} "$BUILD/unit/terminal" "${words[@]}" -- ser-view "${@:2}"
}

@test "rows pass through, each as it comes" {
    predictions 0.9 -20 0.3 -31.5 - -60 0.5 - >p.tsv
    ser-view p.tsv | same - p.tsv
    ser-view <p.tsv | same - p.tsv
    ser-view -o out.tsv p.tsv && same out.tsv p.tsv
    cut -f 1,3,5,6 p.tsv | sed 's/$/\r/' | ser-view | same - <(cut -f 1,3,5,6 p.tsv)
    mkfifo in out
    ser-view <in >out &
    exec 8>in 7<out
    while IFS= read -r row; do
        printf '%s\n' "$row" >&8
        IFS= read -r -t 60 -u 7 line # waits until it is there
        [ "$line" = "$row" ]
    done <p.tsv
    exec 8>&- 7<&-
    wait
}

@test "--smooth: exponential, over speech alone; another recording begins anew" {
    predictions 1 -20 0 -20 - -20 0.5 -20 >p.tsv
    # By hand, with e^-1 = 0.367879441 a second: 1; 0.367879441; no speech; 0.367879441 + 0.632120559 (0.5 - 0.367879441)
    assert_equal "$(ser-view --smooth 1 p.tsv | cut -f 5 | sed 1d | xargs)" "1 0.367879441 - 0.451395563"
    assert_equal "$(ser-view -s 1 p.tsv | cut -f 6 | sed 1d | xargs)" "0 0.632120559 - 0.548604437"
    assert_equal "$(ser-view -s 1 p.tsv | cut -f 3,4 | sed 1d | xargs)" "angry 1 sad 0.632120559 - - sad 0.548604437"
    # Half of the step: e^-0.5.
    assert_equal "$(ser-view -s 2 p.tsv | cut -f 5 | sed -n 3p)" 0.60653066
    # Time that goes back, and another name: nothing is kept.
    { cat p.tsv && sed -n 3p p.tsv; } | ser-view -s 1 | tail -n 1 | cut -f 5 | same - <(echo 0)
    { head -2 p.tsv && sed -n '5s/^a/b/p' p.tsv; } | ser-view -s 1 | tail -n 1 | cut -f 5 | same - <(echo 0.5)
    # Without times a row is a second.
    cut -f 1-6 p.tsv | ser-view -s 1 | same - <(ser-view -s 1 p.tsv | cut -f 1-6)
    ser-view --smooth 0 p.tsv | same - p.tsv
    fails 2 "--smooth: .*-1" ser-view --smooth -1 p.tsv
}

@test "--hold: another emotion is shown when its probability is clearly higher" {
    predictions 0.6 -20 0.48 -20 0.52 -20 0.4 -20 0.54 -20 - -20 0.56 -20 >p.tsv
    assert_equal "$(ser-view p.tsv | cut -f 3 | sed 1d | xargs)" "angry sad angry sad angry - angry"
    assert_equal "$(ser-view --hold p.tsv | cut -f 3 | sed 1d | xargs)" "angry angry angry sad sad - angry"
    assert_equal "$(ser-view --hold p.tsv | cut -f 4 | sed 1d | xargs)" "0.6 0.48 0.52 0.6 0.46 - 0.56"
    ser-view --hold p.tsv | cut -f 5- | same - <(cut -f 5- p.tsv)
}

@test "--json: an object a row" {
    predictions 0.75 -20 - -61.5 >p.tsv
    sed -i $'2s/^[^\t]*/say "\\\\x\\\\"/' p.tsv
    {
        printf '%s' '{"id":"say \"\\x\\\"","start_s":0,"end_s":2,"predicted":"angry","confidence":0.75,'
        printf '%s\n' '"p":{"angry":0.75,"sad":0.25},"speech":0.9,"level_db":-20}'
        printf '%s' '{"id":"a.wav@1","start_s":1,"end_s":3,"predicted":null,"confidence":null,"p":null,'
        printf '%s\n' '"speech":0.1,"level_db":-61.5}'
    } >expected
    ser-view --json p.tsv | same - expected
    cut -f 1-6 p.tsv | ser-view -J | sed -n 2p | same - <(echo '{"id":"a.wav@1","predicted":null,"confidence":null,"p":null}')
}

@test "--picture: what is left out where there is no room, and no line is too long" {
    predictions 0.9 -20 0.3 -30 0.3 -30 - -60 0.75 -15 >p.tsv
    ser-view --picture 40x8 --span 8 p.tsv | sed 's/ *$//' >got
    diff got - <<'END'
angry 75 %                         6.0 s

>a angry █████████████████▎         75 %
 s sad   █████▊                     25 %
   level █████████████████▎       -15 dB

               aaaaassssssssss.....aaaaa
-8 s                                 now
END
    head -5 p.tsv | ser-view --picture 40x2 | head -1 | grep -x 'no speech *5.0 s'
    head -1 p.tsv | ser-view --picture 40x3 | head -1 | grep -x 'waiting for the first row'
    for rows in 1 2 3 5 9 12 24; do
        for columns in 1 2 7 20 23 24 31 80 200; do
            ser-view --picture ${columns}x$rows p.tsv >got
            [ "$(wc -l <got)" -le $rows ] || fail "$columns x $rows: too many lines"
            ! LC_ALL=C.UTF-8 grep -E ".{$((columns + 1))}" got || fail "$columns x $rows: too long"
        done
    done
    # Characters that take two columns: three of four fit into seven.
    sed 's/a.wav/語語語語/' p.tsv | ser-view --picture 7x24 | tail -n 1 | same - <(echo 語語語)
    for bad in 80 x 0x5 80x0 80x24x 1001x5 ''; do
        fails 2 "--picture: '$bad' is not COLUMNSxROWS" ser-view --picture "$bad" p.tsv
    done
    fails 2 "only one of them" ser-view --picture 80x24 --json p.tsv
}

@test "nothing of a table is a command to a terminal" {
    predictions 0.9 -20 >p.tsv
    sed -i $'s/a.wav@0/\e]0;bad\a\e[2J\u009b\xff/' p.tsv
    ser-view --picture 80x24 p.tsv >got
    run ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' got
    grep -q '?]0;bad??\[2J' got
}

@test "on a terminal: rows as they come, resized, until q; the terminal is as it was" {
    have_terminal || skip
    predictions 0.9 -20 0.25 -30 >all.tsv
    head -2 all.tsv >first.tsv
    tail -1 all.tsv >second.tsv
    on 80x24 rows=first.tsv 'wait=angry 90 %' rows=second.tsv 'wait=sad 75 %' wait=a.wav@1 screen size=30x7 \
        'wait=-120 s' screen key=q -- >got
    grep -q '^1 sad 75 %  *3.0 s$' got
    grep -q '^11 a.wav@1 *q quits$' got
    assert_equal "$(grep -c ' now$' got)" 2
    # What the options say, and that nothing of the display is left.
    on 80x24 rows=first.tsv 'wait=angry 90 %' rows=second.tsv 'wait=angry 64 %' key=q -- --smooth 2 >>got
    assert_equal "$(grep -c '^exit 0$' got)" 2
    assert_equal "$(grep -c '^modes same, screen same, cursor same$' got)" 2
    assert_equal "$(grep -c 'unknown 0, beyond 0$' got)" 2
    run ! grep -q 'painted 0' got
}

@test "on a terminal: signals, a stop, the end of the rows, damage: it is as it was" {
    have_terminal || skip
    predictions 0.9 -20 >p.tsv
    sed 's/0.9/x/g' p.tsv | tail -1 >bad.tsv
    same=$'modes same, screen same, cursor same'
    on 80x24 rows=p.tsv 'wait=angry 90 %' key=^C -- >got
    grep -q '^signal 2$' got && grep -qx "$same" got
    on 80x24 rows=p.tsv 'wait=angry 90 %' 'key=^\' -- >got
    grep -q '^signal 3$' got && grep -qx "$same" got
    on 80x24 rows=p.tsv 'wait=angry 90 %' key=^Z stopped 'gone=angry 90 %' continue 'wait=angry 90 %' key=q -- >got
    grep -q '^exit 0$' got && grep -qx "$same" got
    on 80x24 rows=p.tsv 'wait=q quits' end 'gone=q quits' wait=a.wav@0 screen -- >got
    grep -q '^exit 0$' got && grep -qx "$same" got && grep -q '^1 angry 90 % *2.0 s$' got
    on 80x24 rows=p.tsv 'wait=angry 90 %' rows=bad.tsv 'wait=not a number' screen -- >got
    grep -q '^exit 3$' got && grep -qx "$same" got && grep -q "row 2 (a.wav@0): speech is not a number" got
}

@test "a terminal without colour, and one that can only print lines" {
    have_terminal || skip
    predictions 0.9 -20 - -61 >p.tsv
    NO_COLOR=1 on 80x24 rows=p.tsv wait=a.wav@1 screen key=q -- >got
    grep -q 'painted 0, unknown 0, beyond 0$' got
    grep -q '^3  a angry ##' got
    NO_COLOR='' on 80x24 rows=p.tsv 'wait=no speech' key=q -- >got
    run ! grep -q 'painted 0' got
    LC_ALL=C.UTF-8 on 80x24 rows=p.tsv wait=a.wav@1 screen key=q -- >got
    grep -q '^3   angry ██' got
    for terminal in dumb ''; do
        on 80x24 rows=p.tsv end 'wait=-61 dB' screen -- >got
        grep -q '^sequences 0, painted 0, unknown 0, beyond 0$' got
        grep -q '^1      2.0 s  angry 90 % *-20 dB$' got
        grep -q '^2      3.0 s  no speech *-61 dB$' got
    done
    on 80x24 rows=p.tsv end 'wait="predicted":null' -- --json | grep -q '^sequences 0'
}

@test "bad tables are told by their row" {
    predictions 0.9 -20 0.3 -30 >p.tsv
    fails 3 "no column 'predicted'" ser-view <(cut -f 1,2 p.tsv)
    fails 3 "no columns p_CLASS" ser-view <(cut -f 1-4 p.tsv)
    for bad in 5:2 5:x 11:x 12:1.1 13:nan 5:- 3:calm; do
        awk -F'\t' -v OFS='\t' -v c="${bad%:*}" -v x="${bad#*:}" 'NR == 3 {$c = x} 1' p.tsv >bad.tsv
        run --separate-stderr ser-view bad.tsv
        assert_equal "$status" 3
        [[ $stderr = "ser-view: bad.tsv: row 2 (a.wav@1): "* ]] || fail "$bad: $stderr"
        echo "$output" | same - <(head -2 p.tsv) # what was good before is out
    done
    fails 2 "more than one table" ser-view p.tsv p.tsv
}
