/* Needs: <math.h>. */
struct instance_normalisation {
    int batch, channels, count;
    float epsilon;
    const float *scale, *shift;
};

static void instance_normalisation(const struct instance_normalisation *p, const float *x, float *y)
{
    for (int k = 0; k < p->batch * p->channels; k++, x += p->count, y += p->count) {
        float sum = 0, squares = 0;
        for (int i = 0; i < p->count; i++)
            sum += x[i];
        const float mean = sum / (float)p->count;
        for (int i = 0; i < p->count; i++)
            squares += (x[i] - mean) * (x[i] - mean);
        const float factor = p->scale[k % p->channels] / sqrtf(squares / (float)p->count + p->epsilon);
        for (int i = 0; i < p->count; i++)
            y[i] = (x[i] - mean) * factor + p->shift[k % p->channels];
    }
}
