# ser-fetch: its own commands failing in turn, and servers that nobody vouches for.
load helper

setup_file() {
    export F no_proxy='*' NO_PROXY='*'
    F=$(mktemp -d)
    cd "$F" || return 1
    unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
    corpus
    # The one vouches for itself; for the other there is an authority, which nobody knows yet.
    certificate self -x509
    certificate authority -x509
    certificate leaf -x509 -CA authority.pem -CAkey authority.key
    serve self
    serve leaf
}

teardown_file() {
    local pid
    for pid in "$F"/*.pid; do kill "$(cat "$pid")"; done
    rm -rf "$F"
}

# A recording, and a ser-fetch for which it is the whole of RAVDESS.
corpus() {
    local zip=www/whole/speech.zip
    mkdir -p www/whole manifests
    printf 'f\tActor_01/03-01-05-01-01-01-01.wav\taudio\n' | perl "$ROOT/tests/stored-zip.pl" >speech.zip
    { answer '200 OK' "Content-Length: $(wc -c <speech.zip)" && cat speech.zip; } >$zip
    printf '%s\n' 'corpus ravdess' 'title speech' 'licence none' 'citation nobody' 'count 1 01' >manifests/ravdess.corpus
    printf 'corpus\tfile\tbytes\tmd5\tsource\nravdess\tspeech.zip\t%d\t%s\ta test\n' "$(wc -c <speech.zip)" \
        "$(md5sum <speech.zip | cut -c 1-32)" >manifests/checksums.tsv
    sed "s|^manifests=.*|manifests='$F/manifests'|" "$BUILD/ser-fetch" >ser-fetch
}

# answer STATUS LINE...: the head of an answer
answer() {
    printf '%s\r\n' "HTTP/1.0 $1" "${@:2}" ''
}

# certificate NAME OPTION...: for 127.0.0.1. openssl comes with ca-certificates.
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -subj "/CN=test $1" \
        -addext subjectAltName=IP:127.0.0.1 "${@:2}" 2>openssl.err || fail "$(cat openssl.err)"
}

# serve NAME: the files of www, heads and all, with that certificate; NAME.port and NAME.pid tell where
serve() {
    : >"$1.out" # the loop may look before the server writes
    (cd www && exec openssl s_server -accept 127.0.0.1:0 -HTTP -cert "../$1.pem" -key "../$1.key") \
        </dev/null >"$1.out" 2>&1 3>&- &
    echo $! >"$1.pid"
    for _ in {1..600}; do
        sed -n 's/^ACCEPT .*://p' "$1.out" >"$1.port"
        [ ! -s "$1.port" ] || return 0
        sleep 0.1
    done
    fail "$(cat "$1.out")"
}

# address NAME [HOST]: of that server
address() {
    echo "https://${2-127.0.0.1}:$(cat "$F/$1.port")"
}

# get ADDRESS DIR: with patience that a refusal would not need
get() {
    bash "$F/ser-fetch" --retries 3 --retry-delay 0.01 --url "$1" ravdess "$2"
}

# refused WHY ADDRESS: at once, with exit 4, and nothing has come
refused() {
    run get "$2" d
    assert_equal "$status" 4
    assert_line --regexp "^ser-fetch: https:.*/speech\.zip: .*$1"
    refute_line --partial again
    [ ! -e d ] || fail "d is there"
    assert_equal "$(find d.part -type f)" d.part/lock
}

@test "a certificate that nobody vouches for is refused, also where curl's settings would not look" {
    refused 'certificate problem: self.signed' "$(address self)/whole"
    refused 'certificate problem: unable to get local issuer' "$(address leaf)/whole"
    echo insecure >.curlrc
    HOME=$PWD CURL_HOME=$PWD refused 'certificate problem' "$(address self)/whole"
}

@test "an authority that the environment names is believed, for the name that it vouches for" {
    CURL_CA_BUNDLE=$F/authority.pem run -0 get "$(address leaf)/whole" 'd 1'
    assert_line 'd 1: 1 speakers, 1 recordings'
    assert_equal "$(cat 'd 1'/Actor_01/*)" audio
    [ ! -e 'd 1.part' ] || fail "something is left"
    SSL_CERT_FILE=$F/authority.pem run -0 get "$(address leaf)/whole" d2
    CURL_CA_BUNDLE=$F/authority.pem refused 'name' "$(address leaf localhost)/whole"
    CURL_CA_BUNDLE=$F/authority.pem refused 'certificate problem: self.signed' "$(address self)/whole"
}

@test "no redirect leads to http, or to a server that nobody vouches for" {
    mkdir -p "$F/www/plain" "$F/www/self" "$F/www/leaf"
    answer '302 Found' 'Location: http://127.0.0.1:1/speech.zip' >"$F/www/plain/speech.zip"
    answer '302 Found' "Location: $(address self)/whole/speech.zip" >"$F/www/self/speech.zip"
    answer '302 Found' "Location: $(address leaf)/whole/speech.zip" >"$F/www/leaf/speech.zip"
    export CURL_CA_BUNDLE=$F/authority.pem
    refused 'rotocol "http" ' "$(address leaf)/plain"
    refused 'certificate problem: self.signed' "$(address leaf)/self"
    run -0 get "$(address leaf)/leaf" d
}

# bats test_tags=slow
@test "each command that it works with fails in turn: told, no folder that is not whole, and the next run completes it" {
    run "$ROOT/tests/fault/each-step"
    assert_success
    echo "# $output" >&3
}
