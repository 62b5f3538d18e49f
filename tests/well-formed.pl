# usage: perl tests/well-formed.pl FILE
# Whether FILE is well-formed XML, as far as tags, attributes and entities go: for SVG and pages.
use strict;
use warnings;
local $/;
open my $file, '<:raw', $ARGV[0] or die "$ARGV[0]: $!\n";
my $text = <$file>;
my $name = qr/[A-Za-z_][A-Za-z0-9_.:-]*/;
my $entity = qr/&(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);/;
my $value = qr/"[^<"]*+"|'[^<']*+'/;
my (@open, $root);
utf8::decode(my $copy = $text) or die "not UTF-8\n";
$text =~ /[\x00-\x08\x0b\x0c\x0e-\x1f]/ and die "a control character\n";
$text =~ s/\A<\?xml[^<>]*\?>\s*//;
$text =~ s/\A<!DOCTYPE [^<>]*>\s*//i;
pos($text) = 0;
while (pos($text) < length $text) {
    if ($text =~ /\G<!--.*?-->/gcs) {
    } elsif ($text =~ /\G<\/($name)\s*>/gc) {
        my $was = pop @open // '';
        $was eq $1 or die "</$1> closes <$was>\n";
    } elsif ($text =~ /\G<($name)((?:\s+$name\s*=\s*$value)*+)\s*(\/?)>/gc) {
        my ($tag, $attributes, $empty) = ($1, $2, $3);
        die "<$tag> beside the root\n" if !@open && $root++;
        my %seen;
        my $rest = $attributes;
        $rest =~ s/$entity//g;
        die "<$tag>: & in an attribute\n" if $rest =~ /&/;
        $attributes =~ s/$value/""/g;
        $seen{$_}++ and die "<$tag>: $_ twice\n" for $attributes =~ /($name)\s*=/g;
        push @open, $tag unless $empty;
    } elsif ($text =~ /\G(?:[^<&]++|$entity)/gc) {
        my $part = substr $text, $-[0], $+[0] - $-[0];
        $part =~ /\]\]>/ and die "]]> in text\n";
        @open || $part =~ /\A\s*+\z/ or die "text outside of the root\n";
    } else {
        die "no markup: " . substr($text, pos $text, 60) . "\n";
    }
}
die "<$open[-1]> is not closed\n" if @open;
die "no element\n" unless $root;
