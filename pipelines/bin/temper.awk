# T PREDICTIONS.tsv
# Predictions as a model with the temperature T gives them: logits divided by T, so that probabilities become their T-th
# root, and sum to 1 again. What is predicted stays.

BEGIN {
    program = "temper"
    if (ARGC != 3)
        usage("T PREDICTIONS.tsv")
    temperature = argument()
    if (temperature + 0 <= 0)
        usage("T PREDICTIONS.tsv")
}

FNR == 1 {
    need("confidence")
    for (i = 1; i <= NF; i++)
        if ($i ~ /^p_/)
            class[++classes] = i
    print
    next
}

{
    sum = most = 0
    for (c = 1; c <= classes; c++)
        sum += p[c] = $class[c] > 0 ? exp(log($class[c]) / temperature) : 0
    if (sum > 0)
        for (c = 1; c <= classes; c++) {
            $class[c] = sprintf("%.9g", p[c] / sum)
            if (p[c] > most)
                most = p[c]
        }
    if (sum > 0)
        $column["confidence"] = sprintf("%.9g", most / sum)
    print
}
