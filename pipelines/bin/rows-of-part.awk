# PART MANIFEST.tsv
# The rows of one part of a manifest that is split.

BEGIN {
    program = "rows-of-part"
    if (ARGC != 3)
        usage("PART MANIFEST.tsv")
    part = argument()
}

FNR == 1 {
    need("part")
    print
}

FNR > 1 && $column["part"] == part {
    print
    rows++
}

END {
    if (!rows && !exit_status)
        fail("no row of the part " part, ARGV[2])
}
