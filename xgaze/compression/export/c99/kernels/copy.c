/* A block of numbers from one place to another. Before it, `filled` numbers of the target become `fill`. */
struct copy {
    int dims[4], read[4], write[4], start, to, filled;
    float fill;
};

static void copy(const struct copy *p, const float *x, float *y)
{
    for (int k = 0; k < p->filled; k++)
        y[k] = p->fill;
    for (int a = 0; a < p->dims[0]; a++)
        for (int b = 0; b < p->dims[1]; b++)
            for (int c = 0; c < p->dims[2]; c++) {
                const int from = p->start + a * p->read[0] + b * p->read[1] + c * p->read[2];
                const int to = p->to + a * p->write[0] + b * p->write[1] + c * p->write[2];
                for (int d = 0; d < p->dims[3]; d++)
                    y[to + d * p->write[3]] = x[from + d * p->read[3]];
            }
}
