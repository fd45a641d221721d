/* Needs: shifted, clamped. */
/* (first * first_multiplier + second * second_multiplier + constant) / 2^shift. */
struct add_int8 {
    int dims[4], first_strides[4], second_strides[4], first_zero, second_zero, zero_out, shift;
    int32_t first_multiplier, second_multiplier, constant;
};

static void add_int8(const struct add_int8 *p, const uint8_t *x, const uint8_t *z, uint8_t *y)
{
    for (int a = 0; a < p->dims[0]; a++)
        for (int b = 0; b < p->dims[1]; b++)
            for (int c = 0; c < p->dims[2]; c++) {
                const int *s = p->first_strides, *t = p->second_strides;
                const uint8_t *first = x + a * s[0] + b * s[1] + c * s[2], *second = z + a * t[0] + b * t[1] + c * t[2];
                for (int d = 0; d < p->dims[3]; d++) {
                    const int32_t one = first[d * s[3]] - p->first_zero, other = second[d * t[3]] - p->second_zero;
                    const int64_t sum = (int64_t)one * p->first_multiplier + (int64_t)other * p->second_multiplier;
                    *y++ = clamped(p->zero_out + shifted(sum + p->constant, p->shift));
                }
            }
}
