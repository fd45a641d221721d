struct dense {
    int batch, width, outputs;
    float negative;
    const float *weights, *bias;
};

static void dense(const struct dense *p, const float *x, float *y)
{
    for (int k = 0; k < p->batch * p->outputs; k++) {
        const float *row = x + k / p->outputs * p->width, *weight = p->weights + k % p->outputs * p->width;
        float sum = p->bias[k % p->outputs];
        for (int i = 0; i < p->width; i++)
            sum += weight[i] * row[i];
        y[k] = sum < 0 ? sum * p->negative : sum;
    }
}
