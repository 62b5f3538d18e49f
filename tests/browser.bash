# A page in a browser, for those tests that load this beside helper.bash.

# have_browser: 1 and a remark where there is none
have_browser() {
    command -v chromium >/dev/null || {
        echo "# left out: chromium is not installed" >&3
        return 1
    }
}

# browser ARGUMENT... URL: a Chromium that talks to no one
browser() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --user-data-dir="$BATS_TEST_TMPDIR/profile" "$@"
}

# with_script SCRIPT.js PAGE: the page with a script at its end. Its policy, which would not let it run, stays unless
# the page is without.
with_script() {
    sed -e '/^<\/body>/e printf "<script>"; cat '"$1"'; echo "</script>"' "$2"
}

without_policy() {
    sed 's/<meta http-equiv[^>]*>//' "$1"
}

# measure WIDTH OPTION...: of page.html at this width, in a frame, since a window cannot be as narrow: how many pictures
# and tables there are and are cut off, whether the page is, whether it is light or dark, and so are its pictures
measure() {
    cat >measure.js <<'END'
function cut(element) { var box = element.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth; }
function is_cut(t) { return cut(t) || t.scrollWidth > t.clientWidth; }
var pictures = Array.from(document.querySelectorAll('figure svg')), tables = Array.from(document.querySelectorAll('.scroll'));
var ground = getComputedStyle(document.body).backgroundColor.match(/\d+/g), text = getComputedStyle(document.body).color.match(/\d+/g);
parent.postMessage(['width', innerWidth, 'pictures', pictures.length, 'cut', pictures.filter(cut).length,
  'page cut', document.documentElement.scrollWidth > innerWidth, 'tables', tables.length, 'cut', tables.filter(is_cut).length,
  +ground[0] > +text[0] ? 'light' : 'dark', getComputedStyle(pictures[0]).filter === 'none' ? 'as drawn' : 'inverted'].join(' '), '*');
END
    without_policy page.html >measured.html
    with_script measure.js measured.html >scripted.html
    printf '<title></title><script>onmessage = function (e) { document.title = e.data; };</script>
        <iframe style="border: 0" width="%s" height="800" src="scripted.html"></iframe>' "$1" >frame.html
    browser "${@:2}" --virtual-time-budget=5000 --dump-dom "file://$PWD/frame.html" 2>/dev/null |
        sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p'
}
