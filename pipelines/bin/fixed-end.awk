# SPACE
# Nothing is printed if what a space draws can be trained to a fixed end, without a validation part, as a search trains
# its winner. Patience, and a learning rate that waits for a plateau, cannot: the line that draws them is told.

BEGIN {
    program = "fixed-end"
    if (ARGC != 2)
        usage("SPACE")
    FS = " "
}

{
    sub(/#.*/, "")
}

$1 ~ /^(patience|lr-patience)$/ {
    refuse($1)
}

$1 == "schedule" {
    for (i = 3; i <= NF && $i != "when"; i++)
        if ($i == "plateau")
            refuse("schedule plateau")
}

function refuse(what) {
    fail("line " FNR ": " what " needs a validation part, and the winner is trained without one, to a fixed end: " \
        (what == "patience" ? "draw without it" : "draw schedule from cosine, step and constant"))
}
