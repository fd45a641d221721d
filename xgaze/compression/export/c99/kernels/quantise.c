/* x * steps + zero, to the nearest of 0 to 255, halves up: `raised` is zero + 1/2. */
struct quantise {
    int count;
    float steps, raised;
};

static void quantise(const struct quantise *p, const float *x, uint8_t *y)
{
    for (int k = 0; k < p->count; k++) {
        const float value = x[k] * p->steps + p->raised;
        y[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}
