#!/usr/bin/env bats
# Models by name: where they are looked for, what lists them, and what is no name.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    local i
    sox -R -n -r 22050 -b 16 a.wav synth 0.2 sine 300
    printf 'id\tpath\temotion\tspeaker\n' >m.tsv
    sox -R -n -r 22050 -b 16 b.wav synth 0.2 sine 900
    for i in 1 2; do printf 'a%d\ta.wav\tsad\ts%d\nb%d\tb.wav\thappy\ts%d\n' $i $i $i $i; done >>m.tsv
    ser-mfcc -q --bands 8 --coefs 4 --frames 4 -m m.tsv -o f.sert
    printf 'standardize\nreshape 16\ndense classes\n' >n.net
    for i in 1 2; do ser-train -q --net n.net --keep last --epochs 1 --seed $i -o $i.model f.sert; done
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    ln -s "$BATS_FILE_TMPDIR"/* .
    mkdir own
    cp -L 1.model own/one.bin
    export SER_MODELS=$PWD/own
}

@test "a name is that of a model in SER_MODELS, in every tool that takes one" {
    ser-score -q 1.model f.sert >want
    ser-score -q one f.sert | same want -
    ser-mfcc -q --like one a.wav | same - <(ser-mfcc -q --like 1.model a.wav)
    ser-augment -q --keep --like one m.tsv | same - <(ser-augment -q --keep --like 1.model m.tsv)
    ser-export --onnx one | same - <(ser-export --onnx 1.model)
    ser-plot wave --model one a.wav | same - <(ser-plot wave --model 1.model a.wav)
    ser-train -q --net n.net --keep last --epochs 1 --init one -o a.bin f.sert
    ser-train -q --net n.net --keep last --epochs 1 --init 1.model -o b.bin f.sert
    same a.bin b.bin
    ser-tensor stats --by speaker -o voices.sert f.sert
    ser-tensor normalize --with voices.sert -o g.sert f.sert
    ser-train -q --net n.net --keep last --epochs 1 --prior voices.sert -o own/voice.bin g.sert
    ser-tensor normalize --by speaker --prior voice f.sert | same - <(ser-tensor normalize --by speaker --prior own/voice.bin f.sert)
    ser-tensor normalize --with voice --one-speaker f.sert | same - <(ser-tensor normalize --with own/voice.bin --one-speaker f.sert)
    ser-train -q --net n.net --keep last --epochs 1 --prior voice -o a.bin g.sert
    same a.bin own/voice.bin
    ser-tensor from-npy --like one -o x.sert <(ser-tensor npy f.sert)
    strings x.sert | grep -qx feat.bands=8
    # What is read is not written over, whatever it was called.
    for how in "ser-score -o own/one.bin one f.sert" "ser-export --onnx -o own/one.bin one" "ser-mfcc --like one -o own/one.bin a.wav" \
        "ser-augment --keep --like one -o own/one.bin m.tsv" "ser-plot wave --model one -o own/one.bin a.wav" \
        "ser-train --net n.net --keep last --init one -o own/one.bin f.sert" "ser-tensor normalize --with one -o own/one.bin f.sert"; do
        # shellcheck disable=SC2086
        fails 2 "own/one.bin" $how
    done
    same 1.model own/one.bin
}

@test "what exists is a path before it is a name; what has a slash is no name" {
    cp -L 2.model one
    ser-score -q one f.sert | same - <(ser-score -q 2.model f.sert)
    ser-score -q own/one.bin f.sert | same - <(ser-score -q 1.model f.sert)
    rm one
    ln -s nowhere one
    fails 4 'one: cannot open: No such file' ser-score one f.sert
    rm one
    mkdir one
    fails 4 'one: .*folder' ser-score one f.sert
    rmdir one
    fails 4 './one: cannot open: No such file' ser-score ./one f.sert
    fails 4 'own/one: cannot open: No such file' ser-score own/one f.sert
    fails 4 'one: cannot open: ' ser-score "$(printf 'n%.0s' {1..256})one" f.sert
}

@test "the first folder that has it: SER_MODELS, the build's, what was installed" {
    mkdir -p bin share/ser/pipelines/models
    cp "$(command -v ser-score)" bin
    score() { bin/ser-score -q "$1" f.sert; }
    ser-score -q 1.model f.sert >first
    ser-score -q 2.model f.sert >second
    run -1 cmp -s first second
    cp -L 2.model share/ser/pipelines/models/one.bin
    score one | same - first
    unset SER_MODELS
    score one | same - second
    mkdir bin/models
    cp -L 1.model bin/models/one.bin
    score one | same - first
    bin/ser-score --list | cut -f 1,5 | sed 1d | same - <(printf 'one\t%s\n' "$PWD/bin/models/one.bin")
    SER_MODELS='' score one | same - first
    SER_MODELS=$PWD/a.wav score one | same - first
    # Where they are built there is a link to what is installed later.
    [ "$(realpath "$BUILD/models")" = "$ROOT/pipelines/models" ]
}

@test "--list shows the models with what their cards say" {
    cp -L 2.model own/two.bin
    printf '%s\n' '# of the test' 'about Tells tones apart.' '' 'licence  MIT' 'score 50.0 UA, tones' 'data tones' 'score 51.5 UA, others' >own/one.card
    touch own/other.card own/.bin own/three.bin.old
    cp "$(command -v ser-score)" . # so that there are no others
    run --separate-stderr ./ser-score --list
    assert_success
    [ -z "$stderr" ]
    printf 'model\tlicence\tscores\tabout\tpath\none\tMIT\t50.0 UA, tones; 51.5 UA, others\tTells tones apart.\t%s\ntwo\t-\t-\t-\t%s\n' \
        "$PWD/own/one.bin" "$PWD/own/two.bin" | same - <(printf '%s\n' "$output")
    ./ser-score --list -o list.tsv
    same list.tsv <(printf '%s\n' "$output")
    SER_MODELS=$PWD/a.wav ./ser-score --list | same - <(head -1 list.tsv)
    printf 'licence ISC\r\nabout two \xc3\xbc' >own/two.card
    assert_equal "$(ser-score --list | grep '^two' | cut -f 2,4)" "$(printf 'ISC\ttwo ü')"
    fails 2 '--list takes no model' ser-score --list one
    fails 4 'cannot write' bash -c 'ser-score --list >/dev/full'
    for line in licence 'licence ' 'Licence MIT' ' licence MIT' 'licence	MIT' 'licence M	T' $'about \xff' $'about \x01'; do
        printf 'about x\n%s\n' "$line" >own/two.card
        fails 3 'own/two.card: line 2: not a key' ser-score --list
    done
    printf 'about x\0y\n' >own/two.card
    fails 3 'line 1: not a key' ser-score --list
    head -c 70000 /dev/zero | tr '\0' '#' >own/two.card
    fails 3 'two.card: .*65536' ser-score --list
    rm own/two.card
    mkdir own/two.card
    fails 4 'two.card: .*folder' ser-score --list
}

@test "a head hears what a network's last layer hears: --embed and --like find that network, beside it or by name" {
    ser-score -q --embed one f.sert -o e.sert
    ser-tensor ls -H e.sert | sed 's/\(xxh3\)=[0-9a-f]*/\1=X/' | diff - <(printf '%s\n' \
        feat.axes=channels feat.encoder=network feat.encoder_xxh3=X feat.type=embedding kind=features)
    ser-tensor ls e.sert | diff - <(ser-tensor ls f.sert | sed '1!{s/8x4/16/; s/4x4/16/; s/ frames=9//}')
    # This network's last layer hears its standardized features.
    ser-score -q --embed 2.model f.sert | ser-tensor npy | cmp - <(ser-tensor npy e.sert)
    run ! cmp -s <(ser-score -q --embed 2.model f.sert) e.sert
    ser-score -q --embed one f.sert --batch 3 --threads 3 | same e.sert -
    for by in '' yes; do
        cp e.sert h.sert
        [ -z "$by" ] || ser-tensor normalize --by speaker -o h.sert e.sert
        printf 'dense classes\n' >head.net
        ser-train -q --net head.net --keep last --epochs 1 -o own/head.bin h.sert
        ser-score -q head h.sert >want
        # The whole chain names the head alone.
        ser-mfcc -q --like head -m m.tsv | ser-score -q --embed head | if [ "$by" ]; then ser-tensor normalize --by speaker; else cat; fi |
            ser-score -q head | same want -
    done
    ser-augment -q --keep --like head m.tsv | same - <(ser-augment -q --keep --like one m.tsv)
    # Neither of the two is written over; and what can be read only once is read once.
    for to in head one; do
        for how in "ser-score --embed -o own/$to.bin head f.sert" "ser-mfcc --like head -o own/$to.bin a.wav" \
            "ser-augment --keep --like head -o own/$to.bin m.tsv"; do
            # shellcheck disable=SC2086
            fails 2 "own/$to.bin" $how
        done
    done
    ser-mfcc -q --like <(cat 1.model) -m m.tsv | same f.sert -
    ser-score -q --embed <(cat 1.model) f.sert | same e.sert -
    # Beside it, under any name; else by name; a damaged one, another network and a pipe are not it.
    mkdir there other
    mv own/head.bin there && mv own/one.bin there/any.bin && cp -L 2.model there/a.bin && head -c 999 1.model >there/aa.bin && mkfifo there/aaa.bin
    ser-score -q --embed there/head.bin f.sert | same e.sert -
    fails 3 "there/any.bin: is not of embeddings: its features are made by 'ser-mfcc --like'" ser-embed --like there/head.bin a.wav
    # One that cannot be read hides none elsewhere; alone it may be the one.
    local plain=()
    [ "$(id -u)" != 0 ] || plain=(setpriv --bounding-set=-all --inh-caps=-all) # root, but without root's rights
    chmod 0 there/a.bin
    mv there/any.bin own/body.bin
    "${plain[@]}" ser-score -q --embed there/head.bin f.sert | same e.sert -
    chmod 0 own/body.bin && rm -f there/a.bin
    fails 4 'there/head.bin: .*/own/body.bin: cannot open: Permission denied: make that readable, or' "${plain[@]}" ser-score --embed there/head.bin f.sert
    chmod 600 own/body.bin
    ser-score -q --embed there/head.bin f.sert | same e.sert -
    (cd there && ser-score -q --embed head.bin ../f.sert) | same e.sert -
    rm own/body.bin
    fails 4 'there/head.bin: hears embeddings of another network, whose XXH3 is [0-9a-f]*, and none of' ser-score --embed there/head.bin f.sert
    fails 4 'there/head.bin: hears embeddings of another network' ser-mfcc --like there/head.bin a.wav
    # What is not such features is told how they are made.
    fails 3 "feat.encoder is unset, .*make them again with 'ser-mfcc --like MODEL | ser-score --embed MODEL'" ser-score there/head.bin f.sert
    fails 3 'feat.encoder_xxh3 is' ser-score there/head.bin <(ser-score -q --embed 2.model f.sert)
    fails 2 '--embed writes no table: leave out --heard' ser-score --embed --heard 1.model f.sert
    fails 2 '--embed writes no table: leave out --min-speech' ser-score --embed --min-speech 0.1 1.model f.sert
}

@test "what is neither file nor name gets the names" {
    cp -L 2.model own/two.bin
    for how in "ser-score oen f.sert" "ser-export --onnx oen" "ser-mfcc --like oen a.wav" "ser-augment --keep --like oen m.tsv" \
        "ser-plot wave --model oen a.wav" "ser-train --net n.net --keep last --init oen -o x f.sert" "ser-tensor normalize --with oen f.sert" \
        "ser-train --net n.net --keep last --prior oen -o x f.sert" "ser-tensor normalize --by speaker --prior oen f.sert"; do
        # shellcheck disable=SC2086
        fails 2 "oen: no such file, and no model of that name: there are .*one, .*two" $how
        [ "${#stderr_lines[@]}" = 1 ]
    done
    [ ! -e x ]
    cp "$(command -v ser-score)" .
    fails 2 "oen: no such file, and no model of that name: there are none" env -u SER_MODELS ./ser-score oen f.sert
    run ./ser-score --list
    assert_success
    fails 2 'no model is given: --list shows' ser-score
}

@test "models that ship: small, each with its licence on its card; README's first command names an emotion" {
    local model
    for model in "$ROOT"/pipelines/models/*.bin; do
        [ -e "$model" ] || { echo "# left out: no model ships yet" >&3 && return; }
        [ "$(wc -c <"$model")" -lt 3000000 ] || fail "$model is large"
        grep -q '^licence .' "${model%.bin}.card" && grep -q '^made-by make ' "${model%.bin}.card" || fail "$model: its card"
        # Of an encoder a card says which, and what its makers hold of such use.
        ! ser-tensor ls -H "$model" | grep -q '^feat\.encoder=whisper' || {
            grep -q '^encoder .*MIT licence.*ser-fetch whisper-base$' "${model%.bin}.card" &&
                grep -q '^not-for .*makers.*Whisper.*attributes of people, is not evaluated' "${model%.bin}.card"
        } || fail "$model: its card says nothing of the encoder"
    done
    [ -e "$ROOT/pipelines/models/best.bin" ] || { echo "# left out: README's model does not ship yet" >&3 && return; }
    unset SER_MODELS
    sed -n '/^    espeak-ng/,/^$/{s/^    //; s,build/,,g; p}' "$ROOT/README.md" >first.sh
    bash -eu first.sh >p.tsv
    [ "$(wc -l <p.tsv)" = 2 ]
    [[ $(sed -n 2p p.tsv | cut -f 3) =~ ^(angry|calm|disgust|fearful|happy|neutral|sad|surprised)$ ]]
    # A head that ships finds the network that it hears: the line "use" of its card.
    cp -f a.wav b.wav && cp -f a.wav c.wav
    sed -n 's/^use //p' "$ROOT/pipelines/models/best-speaker.card" >use.sh
    bash -eu -o pipefail use.sh >p.tsv
    [ "$(wc -l <p.tsv)" = 4 ]
}
