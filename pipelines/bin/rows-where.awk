# COLUMN VALUE TABLE.tsv...
# The rows of tables that have a value in a column, under the header of the first.

BEGIN {
    program = "rows-where"
    if (ARGC < 4)
        usage("COLUMN VALUE TABLE.tsv...")
    name = argument()
    value = argument()
}

FNR == 1 {
    need(name)
    if (NR == 1)
        print
}

FNR > 1 && $column[name] == value {
    print
    rows++
}

END {
    if (!rows && !exit_status)
        fail("no row has '" value "' in the column " name, ARGV[3])
}
