/* Needs: convolution_row. */
/* A pool of the largest over planes that are made on the way: of each the rows that one row of the pool reads are kept. */
struct pooled {
    int planes, height, width, rows, columns, kernel_rows, kernel_columns, stride_rows, stride_columns, top, left;
};

static void pooled(const struct convolution *p, const struct pooled *q, const float *x, float *kept, float *y)
{
    for (int k = 0; k < q->planes; k++) {
        int done = 0;
        for (int row = 0; row < q->rows; row++) {
            const int start = row * q->stride_rows - q->top, from = start < 0 ? 0 : start;
            const int to = start + q->kernel_rows < q->height ? start + q->kernel_rows : q->height;
            for (done = done < from ? from : done; done < to; done++)
                convolution_row(p, k, done, x, kept + done % q->kernel_rows * q->width);
            for (int column = 0; column < q->columns; column++) {
                int empty = 1;
                float largest = 0;
                for (int i = from; i < to; i++)
                    for (int j = 0; j < q->kernel_columns; j++) {
                        const int at = column * q->stride_columns - q->left + j;
                        const float *line = kept + i % q->kernel_rows * q->width;
                        if (at < 0 || at >= q->width)
                            continue;
                        if (empty || line[at] > largest)
                            largest = line[at];
                        empty = 0;
                    }
                *y++ = largest;
            }
        }
    }
}
