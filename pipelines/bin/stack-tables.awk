# Several tables in one: the columns of all, in the order in which they come first; what a table lacks is "-".
#
# usage: awk -f tsv.awk -f stack-tables.awk -- TABLE...

BEGIN {
    program = "stack-tables"
    if (ARGC < 2)
        usage("TABLE...")
    for (t = 1; t < ARGC; t++) {
        table = ARGV[t]
        if ((getline line < table) <= 0)
            fail("is empty", table)
        close(table)
        n = split(line, name)
        for (i = 1; i <= n; i++)
            if (!(name[i] in seen)) {
                seen[name[i]]
                all[++columns] = name[i]
            }
    }
    for (i = 1; i <= columns; i++)
        printf "%s%s", all[i], i < columns ? OFS : ORS
}

FNR > 1 {
    for (i = 1; i <= columns; i++)
        printf "%s%s", all[i] in column ? $column[all[i]] : "-", i < columns ? OFS : ORS
}
