struct dequantise {
    int count;
    float zero, scale;
};

static void dequantise(const struct dequantise *p, const uint8_t *x, float *y)
{
    for (int k = 0; k < p->count; k++)
        y[k] = ((float)x[k] - p->zero) * p->scale;
}
