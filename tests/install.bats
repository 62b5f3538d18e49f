# make install: everything in its place, working from there; uninstall leaves nothing.
# bats file_tags=slow
load helper
bats_require_minimum_version 1.5.0

# Installs the tools as they are: -o keeps make from building them, whatever this flavour's flags were.
install_make() {
    local tool built=()
    for tool in "$BUILD"/ser-*; do built+=(-o "$tool"); done
    make -s -C "$ROOT" BUILD="$BUILD" "${built[@]}" DESTDIR="$dest" "$@"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    dest=$BATS_TEST_TMPDIR/dest
}

@test "installed tools and pipelines work away from the source" {
    install_make install
    PATH=$dest/usr/local/bin:/usr/bin:/bin
    unset BUILD
    run ser-mfcc --version
    assert_success
    "$dest/usr/local/share/ser/pipelines/bin/generate-speech" -s 3 -u 8 ravdess_data
    printf 'speaker\tpart\nravdess_01\ttrain\nravdess_02\tval\nravdess_03\ttest\n' >parts.tsv
    printf '%s\n' 'maxpool 8x8' 'reshape 105x1' mean 'dense classes' >tiny.net
    run make -f "$dest/usr/local/share/ser/pipelines/ravdess.mk" PARTS=parts.tsv NET=tiny.net EPOCHS=1
    assert_success
    assert_line --regexp '^notebook +notebook +tiny +1 +[0-9.]+ +[0-9.]+ +[0-9.]+ +8 +1$'
    # A model that is put beside the others is known by its name.
    unset SER_MODELS
    cp "$(find out -name model.bin | head -1)" "$dest/usr/local/share/ser/pipelines/models/small.bin"
    run ser-score --list
    assert_line --regexp '^small	-	-	-	.*/share/ser/pipelines/models/small.bin$'
    run ser-mfcc -q --like small "$(find ravdess_data -name '*.wav' | head -1)" -o x.sert
    assert_success
}

@test "every tool, manual page, network and table is installed" {
    install_make install
    for tool in "$ROOT"/tools/*.c "$ROOT"/tools/*.sh; do
        tool=${tool##*/}
        [ -x "$dest/usr/local/bin/${tool%.*}" ] || fail "$tool is missing"
    done
    # A script finds its tables where they are installed, not in this tree.
    grep -qx "manifests='/usr/local/share/ser/manifests'" "$dest/usr/local/bin/ser-fetch"
    for page in "$ROOT"/tools/*.1 "$ROOT"/lib/*/*.5; do
        [ -e "$page" ] || continue
        same "$page" "$dest/usr/local/share/man/man${page##*.}/${page##*/}"
    done
    for file in pipelines/rules.mk pipelines/nets/attention.net pipelines/bin/{generate-speech,tsv.awk} pipelines/models/README.md manifests/{counts,iemocap-emosuperb}.tsv; do
        same "$ROOT/$file" "$dest/usr/local/share/ser/$file"
    done
}

@test "a prefix with a space and a quote; uninstall leaves no file" {
    dest="$BATS_TEST_TMPDIR/it's a dest"
    install_make install PREFIX=/opt/ser
    [ -x "$dest/opt/ser/bin/ser-mfcc" ] || fail "not installed"
    install_make uninstall PREFIX=/opt/ser
    assert_equal "$(find "$dest" ! -type d)" ""
    [ ! -e "$dest/opt/ser/share/ser" ] || fail "share/ser is left"
}
