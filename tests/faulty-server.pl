#!/usr/bin/perl
# usage: perl faulty-server.pl FOLDER PORTFILE LOG
# A web server for tests, on the loopback interface alone, that serves FOLDER badly on purpose. Writes
# its port to PORTFILE when it is ready; serves until it is killed. One request at a time, one a
# connection, so its answers come in the order of the requests. LOG gets a line a request:
# "PATH RANGE STATUS", RANGE being "-" or where the client wants to start.
#
# The address /MANNER,MANNER.../NAME asks for FOLDER/NAME, and says how it is to be served:
#   plain          as it should be, parts of files too
#   norange        whole files only, whatever part is asked for
#   cut=N          the connection ends after N bytes of the body
#   stall=N        after N bytes nothing more comes, until the client goes away
#   drip=N         N bytes every 20 ms
#   slow=S         S seconds pass before the answer
#   long=N short=N the announced length is N bytes more or less than the body
#   endless        no length is announced, and zeros follow the body until the client goes away
#   flip=N         one bit of byte N is another
#   status=CODE    an answer with CODE instead of the file
#   after=S        with it, Retry-After: S
#   to=MANNER      a redirect to /MANNER/NAME
#   to=http: to=https: to=loop   redirects to that protocol of this port, or to itself
#   first=K        only the first K requests for this address are served like this, then
#                  without faults; norange stays
#   label=WORD     nothing: makes another address, with a count of its own
use strict;
use warnings;
use IO::Socket::INET;

my ($folder, $portfile, $log) = @ARGV;
my (%asked, $port);
$SIG{PIPE} = 'IGNORE';

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1)
    or die "no socket: $!";
$port = $listener->sockport;
open my $out, '>', "$portfile.new" or die "$portfile.new: $!";
print $out "$port\n";
close $out or die "$portfile.new: $!";
rename "$portfile.new", $portfile or die "$portfile: $!";

while (1) {
    my $client = $listener->accept or next;
    serve($client);
    close $client;
}

# Waits until the client has gone.
sub gone {
    my ($client) = @_;
    1 while sysread $client, my $ignored, 4096;
}

sub head {
    my ($client, $status, @headers) = @_;
    syswrite $client, join "\r\n", "HTTP/1.1 $status What", @headers, 'Connection: close', '', '';
}

sub slurp {
    my ($name) = @_;
    open my $file, '<:raw', $name or return undef;
    local $/;
    return scalar <$file>;
}

sub serve {
    my ($client) = @_;
    my $request = '';
    while ($request !~ /\r\n\r\n/) {
        sysread($client, $request, 4096, length $request) or return;
        return if $request !~ /^G/; # TLS, or a stray
    }
    my ($path, $manners, $name) = $request =~ m{^GET (/([^/ ]+)/(\S+)) } or return head($client, 400);
    my ($from) = $request =~ /^Range: bytes=(\d+)-\r$/mi;
    my %do = map { /^([^=]+)=?(.*)/ } split /,/, $manners;
    %do = exists $do{norange} ? (norange => '') : () if exists $do{first} && $asked{$path}++ >= $do{first};

    my $note = sub {
        open my $lines, '>>', $log or die "$log: $!";
        print $lines join(' ', $path, $from // '-', $_[0]), "\n";
        close $lines or die "$log: $!";
        return $_[0];
    };
    select undef, undef, undef, $do{slow} if $do{slow};
    if ($do{status}) {
        my @after = defined $do{after} ? "Retry-After: $do{after}" : ();
        return head($client, $note->($do{status}), @after, 'Content-Length: 0');
    }
    if (my $to = $do{to}) {
        my $where = $to eq 'loop' ? $path
            : $to =~ /^https?:$/  ? "$to//127.0.0.1:$port/plain/$name"
            :                       "/$to/$name";
        return head($client, $note->(302), "Location: $where", 'Content-Length: 0');
    }
    my $body = slurp("$folder/$name");
    return head($client, $note->(404), 'Content-Length: 0') unless defined $body;
    my $size = length $body;
    substr($body, $do{flip}, 1) ^= "\x10" if defined $do{flip};

    my @headers;
    undef $from if exists $do{norange};
    if (defined $from) {
        return head($client, $note->(416), "Content-Range: bytes */$size", 'Content-Length: 0') if $from >= $size;
        push @headers, "Content-Range: bytes $from-" . ($size - 1) . "/$size";
        $body = substr $body, $from;
    }
    my $length = length($body) + ($do{long} // 0) - ($do{short} // 0);
    push @headers, "Content-Length: $length" unless exists $do{endless};
    head($client, $note->(defined $from ? 206 : 200), @headers);

    my $limit = $do{cut} // $do{stall} // length $body;
    my $step = $do{drip} // 65536;
    for (my $at = 0; $at < $limit && $at < length $body; $at += $step) {
        my $n = $limit - $at < $step ? $limit - $at : $step;
        syswrite $client, substr $body, $at, $n or return;
        select undef, undef, undef, 0.02 if $do{drip};
    }
    gone($client) if defined $do{stall};
    if (exists $do{endless}) {
        1 while syswrite $client, "\0" x 65536;
    }
}
