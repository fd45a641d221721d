/* A curve: what comes out for each of the 256 numbers that can come in. */
struct table {
    int count;
    const uint8_t *values;
};

static void table(const struct table *p, const uint8_t *x, uint8_t *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = p->values[x[k]];
}
