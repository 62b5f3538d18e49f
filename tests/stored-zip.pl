#!/usr/bin/perl
# usage: perl stored-zip.pl < LIST > ARCHIVE.zip
# Writes a zip archive without compression, also one that no honest program would write. Each line
# of LIST is an entry: "TYPE<tab>NAME<tab>CONTENT", TYPE being f (file), d (folder), l (symbolic link
# whose target is CONTENT) or e (a file that says it is encrypted); \xNN in NAME is that byte.
# CONTENT NxTEXT means TEXT N times; TYPE fN announces N bytes, whatever CONTENT has.
use strict;
use warnings;
binmode STDOUT;

my @table = map {
    my $c = $_;
    $c = $c & 1 ? 0xedb88320 ^ ($c >> 1) : $c >> 1 for 1 .. 8;
    $c;
} 0 .. 255;

sub crc32 {
    my $c = 0xffffffff;
    $c = $table[($c ^ $_) & 255] ^ ($c >> 8) for unpack 'C*', $_[0];
    return $c ^ 0xffffffff;
}

my %mode = (f => 0100644, d => 040755, l => 0120777, e => 0100644);
my ($directory, $entries, $offset) = ('', 0, 0);
while (<STDIN>) {
    chomp;
    my ($type, $name, $content) = split /\t/, $_, 3;
    my ($kind, $size) = $type =~ /^([fdle])(\d*)$/ or die "line $.: unknown type $type";
    $name =~ s/\\x([0-9a-f]{2})/chr hex $1/ge;
    $content //= '';
    $content = $2 x $1 if $content =~ /^(\d+)x(.+)/;
    $size = length $content if $size eq '';
    # flags, method, time, date, CRC, packed and plain size, lengths of name and of extra field
    my $both = pack 'v4 V3 v2', $kind eq 'e' ? 1 : 0, 0, 0, 0x5821, crc32($content), $size, $size,
        length $name, 0;
    my $local = pack('V v', 0x04034b50, 20) . $both . $name . $content;
    $directory .= pack('V v2', 0x02014b50, 3 << 8 | 20, 20) . $both
        . pack('v3 V2', 0, 0, 0, $mode{$kind} << 16, $offset) . $name;
    print $local;
    $offset += length $local;
    $entries++;
}
print $directory, pack 'V v4 V2 v', 0x06054b50, 0, 0, $entries, $entries, length $directory, $offset, 0;
close STDOUT or die "cannot write: $!";
