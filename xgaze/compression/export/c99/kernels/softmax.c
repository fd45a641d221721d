/* Needs: exponential. */
struct softmax {
    int outer, count, inner;
};

static void softmax(const struct softmax *p, const float *x, float *y)
{
    for (int k = 0; k < p->outer * p->inner; k++) {
        const int first = k / p->inner * p->count * p->inner + k % p->inner;
        float largest = x[first], sum = 0;
        for (int i = 1; i < p->count; i++)
            if (x[first + i * p->inner] > largest)
                largest = x[first + i * p->inner];
        for (int i = 0; i < p->count; i++) {
            y[first + i * p->inner] = exponential(x[first + i * p->inner] - largest);
            sum += y[first + i * p->inner];
        }
        for (int i = 0; i < p->count; i++)
            y[first + i * p->inner] /= sum;
    }
}
