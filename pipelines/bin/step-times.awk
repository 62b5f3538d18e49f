# TIMES.tsv
# The seconds that each step of a pipeline took, from lines of step, unit and seconds; of a unit that ran again,
# its last. The file has no header line.

BEGIN {
    program = "step-times"
    if (ARGC != 2)
        usage("TIMES.tsv")
}

{
    last[$1, $2] = $3
}

END {
    for (unit in last) {
        split(unit, part, SUBSEP)
        seconds[part[1]] += last[unit]
        units[part[1]]++
    }
    steps = split("speech manifest split features train score eval", step, " ")
    for (i = 1; i <= steps; i++)
        if (step[i] in units)
            printf "%-9s %8.1f s  %d %s\n", step[i], seconds[step[i]], units[step[i]], \
                (units[step[i]] == 1 ? "unit" : "units")
}
