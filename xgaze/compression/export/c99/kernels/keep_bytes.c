/* An input whose memory the caller may use for the next one. */
struct keep_bytes {
    int count;
};

static void keep_bytes(const struct keep_bytes *p, const uint8_t *x, uint8_t *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = x[k];
}
