struct hard_sigmoid {
    int count;
    float slope, middle;
};

static void hard_sigmoid(const struct hard_sigmoid *p, const float *x, float *y)
{
    for (int k = 0; k < p->count; k++) {
        const float value = x[k] * p->slope + p->middle;
        y[k] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
}
