#!/usr/bin/env bats
# A new layer is one file and one line of a table: a copy of the sources gets one, and its tools
# train, score and export a network with it.
load helper

layer() {
    cat <<'C'
/* y = x / d; d [1] is trained, and begins as the number on the layer's line. */
#include "nn/layer.h"
#include <stdlib.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    double first;
    if (n != 2 || ser_word_number(words[1], 0.1, 10, &first))
        return ser_refuse(why, "usage: %s", l->type->usage);
    double *own = l->own = malloc(sizeof *own);
    if (!own)
        return ser_refuse(why, "not enough memory");
    *own = first;
    l->out = l->in;
    return ser_param_add(net, l, "d", 1, (int[]){1}, 1, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)seed;
    ser_init_constant(p, (float)*(const double *)l->own);
}

static void forward(const struct ser_pass *p) {
    for (size_t i = 0; i < p->N * ser_shape_size(&p->layer->in); i++)
        p->y[i] = p->x[i] / p->param[0].value[0];
}

static void backward(const struct ser_pass *p) {
    float d = p->param[0].value[0], sum = 0;
    for (size_t i = 0; i < p->N * ser_shape_size(&p->layer->in); i++) {
        sum -= p->dy[i] * p->y[i] / d;
        if (p->dx)
            p->dx[i] = p->dy[i] / d;
    }
    if (p->grad[0])
        p->grad[0][0] = sum;
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    ser_graph_param(g, p);
    ser_graph_node(g, "Div", "quotient", SER_INPUTS(g->x, p->name), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_divide = {
    .name = "divide",
    .usage = "divide NUMBER",
    .setup = setup,
    .init = init,
    .forward = forward,
    .backward = backward,
    .export = export,
};
C
}

network() {
    printf '%s\n' 'divide 3' 'conv 2 3x3' 'divide 0.5' 'reshape 22x76' mean 'divide 2' 'dense classes'
}

setup_file() {
    load helper
    cd "$BATS_FILE_TMPDIR" || return 1
    mkdir -p tree/tests/unit
    cp -r "$ROOT/Makefile" "$ROOT/lib" "$ROOT/tools" "$ROOT/manifests" tree # programs hold tables
    cp "$ROOT/tests/unit/gradient.c" "$ROOT/tests/unit/check.h" tree/tests/unit
    layer >tree/lib/nn/layers/divide.c
    sed -i '/^LAYER(dense)$/i LAYER(divide)' tree/lib/nn/layers/table.h
    make -C tree -s -j2 BUILD=build CFLAGS=-O1 ONEDNN= build/ser-train build/ser-score build/ser-export \
        build/unit/gradient >make.txt 2>&1 || fail "$(tail -n 20 make.txt)"
    network >divide.net
}

setup() {
    cd "$BATS_FILE_TMPDIR" || return 1
    tree=$BATS_FILE_TMPDIR/tree/build
}

@test "one file and one line" {
    run diff -rq "$ROOT/lib" tree/lib
    assert_output "Only in tree/lib/nn/layers: divide.c
Files $ROOT/lib/nn/layers/table.h and tree/lib/nn/layers/table.h differ"
    run diff "$ROOT/lib/nn/layers/table.h" tree/lib/nn/layers/table.h
    assert_equal "${#lines[@]}" 2
    assert_equal "${lines[1]}" '> LAYER(divide)'
}

@test "its gradients, and those of the layers about it, are those of the loss" {
    run "$tree/unit/gradient" 40 24 3 <divide.net
    assert_success
    assert_line --regexp '^ok - divide1.d: slopes'
    assert_line --regexp '^ok - divide3.d: slopes'
    assert_line --regexp '^ok - conv1.w: slopes'
}

@test "tools train, score and export it, and name it where a layer is unknown" {
    local s
    printf 'id\tpath\tspeaker\temotion\n' >m.tsv
    for s in 1 2 3 4; do
        sox -n -r 22050 -b 16 "calm$s.wav" synth 0.6 sine $((150 + 9 * s))
        sox -R -n -r 22050 -b 16 "sad$s.wav" synth 0.6 pinknoise gain -$s
        printf '%s%d\t%s%d.wav\ts%d\t%s\n' calm "$s" calm "$s" "$s" calm sad "$s" sad "$s" "$s" sad >>m.tsv
    done
    awk 'NR == 1 || NR <= 5' m.tsv | ser-mfcc --frames 24 -m - -o train.sert
    awk 'NR == 1 || NR > 5' m.tsv | ser-mfcc --frames 24 -m - -o val.sert
    ser-tensor npy val.sert -o val.npy

    "$tree/ser-train" -q --net divide.net --val val.sert --epochs 3 --lr 0.01 --patience 0 --batch 4 -o divide.bin train.sert
    "$tree/ser-score" divide.bin val.sert >divide.tsv
    "$tree/ser-export" --onnx divide.bin >divide.onnx
    perl "$ROOT/tests/onnx.pl" run divide.onnx val.npy >rows
    awk 'NR > 1 {print $5; print $6}' divide.tsv >want
    tr '\t' '\n' <rows | paste want - | awk '{d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d}
        END {print NR " probabilities, worst difference " worst; exit !(NR == 8 && worst <= 1e-5)}'

    fails 3 "no layer 'divide'" ser-score divide.bin val.sert
    echo 'divine 3' >wrong.net
    fails 3 "no layer 'divine', but: .* divide," "$tree/ser-train" -q --net wrong.net --val val.sert -o x.bin train.sert
}
