/* Runs a student in plain JavaScript. A program is a list of steps, one kernel each, on tensors that lie in typed arrays. What a
   kernel computes, the file of the same name in xgaze/compression/export/c99/kernels computes; those in 8 bits to the bit, which is
   why Math.fround stands where single precision rounds. Tensors stay as they are between runs: only what changed is done again. */
const Interpreter = (() => {
  const f = Math.fround, ONE = 2 ** 30, TWO = Float64Array.from({ length: 64 }, (_, n) => 2 ** n);
  const TYPES = { float32: Float32Array, float16: Uint16Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array,
    int32: Int32Array };

  /* What is sent: name -> [type, base64 of compressed bytes]. */
  async function unpacked(sent) {
    const found = {};
    for (const [name, [type, text]] of Object.entries(sent)) {
      const bytes = Uint8Array.from(atob(text), one => one.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      const values = new TYPES[type](await new Response(stream).arrayBuffer());
      found[name] = type === "float16" ? Float32Array.from(values, half) : values;
    }
    return found;
  }

  function half(bits) {
    const exponent = bits >> 10 & 31, part = bits & 1023, sign = bits & 32768 ? -1 : 1;
    if (exponent === 31) return part ? NaN : sign * Infinity;
    return sign * (exponent ? (1 + part / 1024) * 2 ** (exponent - 15) : part / 1024 * 2 ** -14);
  }

  /* Sums of products of weights (outputs, width) and, for every place, of the numbers at `firsts` of the place plus `offsets`
     (width) -> sums (outputs, places). Four outputs and two places are done at a time, so there are rows to spare in each. All are
     Float64Array, in which whole numbers are exact, too. */
  function products(weights, outputs, values, firsts, offsets, sums) {
    const most = firsts.length, width = offsets.length;
    for (let output = 0; output < outputs; output += 4) {
      const w0 = output * width, w1 = w0 + width, w2 = w1 + width, w3 = w2 + width;
      for (let place = 0; place < most; place += 2) {
        const v0 = firsts[place], v1 = firsts[place + 1];
        let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
        for (let k = 0; k < width; k++) {
          const at = offsets[k], x = values[v0 + at], z = values[v1 + at];
          const r = weights[w0 + k], s = weights[w1 + k], t = weights[w2 + k], u = weights[w3 + k];
          a0 += r * x; a1 += s * x; a2 += t * x; a3 += u * x;
          b0 += r * z; b1 += s * z; b2 += t * z; b3 += u * z;
        }
        const y = output * most + place;
        sums[y] = a0; sums[y + most] = a1; sums[y + 2 * most] = a2; sums[y + 3 * most] = a3;
        sums[y + 1] = b0; sums[y + most + 1] = b1; sums[y + 2 * most + 1] = b2; sums[y + 3 * most + 1] = b3;
      }
    }
  }

  /* Weights (groups x outputs, width) with rows to spare in every group. */
  function spared(weights, groups, outputs) {
    const width = weights.length / groups / outputs, rows = outputs + 3 & ~3;
    const found = new Float64Array(groups * rows * width);
    for (let group = 0; group < groups; group++)
      found.set(weights.subarray(group * outputs * width, (group + 1) * outputs * width), group * rows * width);
    return found;
  }

  /* Planes of x less `zero`, with `fill` around them as far as the last window reaches. */
  function padded(p, x, planes, fill, zero) {
    const down = Math.max((p.rows - 1) * p.stride_rows + (p.kernel_rows - 1) * p.dilation_rows + 1, p.top + p.height);
    const across = Math.max((p.columns - 1) * p.stride_columns + (p.kernel_columns - 1) * p.dilation_columns + 1, p.left + p.width);
    const values = p.padded ??= new Float64Array(planes * down * across).fill(fill);
    for (let plane = 0, k = 0; plane < planes; plane++)
      for (let row = 0; row < p.height; row++) {
        let to = (plane * down + row + p.top) * across + p.left;
        for (let column = 0; column < p.width; column++) values[to++] = x[k++] - zero;
      }
    return { values, plane: down * across, across };
  }

  /* Where the numbers of a window lie from its first one, over so many planes; and where the first of each place lies. */
  function windows(p, channels, plane, across) {
    if (p.windows) return p.windows;
    const offsets = [], firsts = [];
    for (let channel = 0; channel < channels; channel++)
      for (let i = 0; i < p.kernel_rows; i++)
        for (let j = 0; j < p.kernel_columns; j++)
          offsets.push(channel * plane + i * p.dilation_rows * across + j * p.dilation_columns);
    for (let row = 0; row < p.rows; row++)
      for (let column = 0; column < p.columns; column++) firsts.push(row * p.stride_rows * across + column * p.stride_columns);
    return p.windows = { offsets: Int32Array.from(offsets), firsts: even(firsts) };
  }

  /* An even number of places: the last one may be there twice. */
  const even = places => Int32Array.from(places.length % 2 ? [...places, places.at(-1)] : places);

  /* finish(sum, output): what a layer puts out for the sum of products of one place. */
  function convolved(p, x, y, zero, finish) {
    const all = p.groups * p.outputs, places = p.rows * p.columns, spare = p.outputs + 3 & ~3;
    const { values, plane, across } = padded(p, x, p.batch * p.groups * p.channels, 0, zero);
    const { offsets, firsts } = windows(p, p.channels, plane, across), width = offsets.length, most = firsts.length;
    p.spared ??= spared(p.weights, p.groups, p.outputs);
    p.sums ??= new Float64Array(spare * most);
    for (let k = 0; k < p.batch * p.groups; k++) {
      const group = k % p.groups, weights = p.spared.subarray(group * spare * width, (group + 1) * spare * width);
      products(weights, p.outputs, values.subarray(k * p.channels * plane), firsts, offsets, p.sums);
      for (let output = 0; output < p.outputs; output++) {
        const number = group * p.outputs + output, to = (Math.floor(k / p.groups) * all + number) * places;
        for (let place = 0; place < places; place++) y[to + place] = finish(p.sums[output * most + place], number);
      }
    }
  }

  function multiplied(p, x, y, zero, finish) {
    p.spared ??= spared(p.weights, 1, p.outputs);
    p.offsets ??= Int32Array.from({ length: p.width }, (_, k) => k);
    p.firsts ??= even(Array.from({ length: p.batch }, (_, k) => k * p.width));
    p.sums ??= new Float64Array((p.outputs + 3 & ~3) * p.firsts.length);
    products(p.spared, p.outputs, Float64Array.from(x, one => one - zero), p.firsts, p.offsets, p.sums);
    for (let k = 0; k < p.batch * p.outputs; k++) {
      const output = k % p.outputs;
      y[k] = finish(p.sums[output * p.firsts.length + Math.floor(k / p.outputs)], output);
    }
  }

  function separated(p, x, y, zero, down, finish) {
    for (let k = 0; k < p.batch * p.outputs; k++) {
      const output = k % p.outputs;
      let pixels = Math.floor(k / p.outputs) * p.channels * p.height * p.width, sum = 0;
      let row_weight = output * p.channels * p.height * p.terms;
      for (let channel = 0; channel < p.channels; channel++) {
        const across = (output * p.channels + channel) * p.terms * p.width;
        for (let row = 0; row < p.height; row++, pixels += p.width)
          for (let term = 0; term < p.terms; term++) {
            let inner = 0;
            for (let i = 0; i < p.width; i++) inner += p.column_weights[across + term * p.width + i] * (x[pixels + i] - zero);
            sum += p.row_weights[row_weight++] * inner;
          }
      }
      y[k] = finish(down(sum, output), output);
    }
  }

  const rectified = p => (sum, output) => {
    const found = sum + p.bias[output];
    return found < 0 ? found * p.negative : found;
  };

  /* value / 2^shift to the nearest whole number, halves up; value is exact below 2^53. */
  const shifted = (value, shift) => shift ? Math.floor((value + TWO[shift - 1]) / TWO[shift]) : value;

  /* value * multiplier / 2^shift likewise, of numbers of 32 bits: in two parts, as doubles hold 53 bits. */
  function rescaled(value, multiplier, shift) {
    if (shift < 17) return Number(BigInt(value) * BigInt(multiplier) + (1n << BigInt(shift) >> 1n) >> BigInt(shift));
    const high = value * (multiplier >> 16), low = value * (multiplier & 65535);
    return Math.floor((high + TWO[shift - 17] + Math.floor(low / 65536)) / TWO[shift - 16]);
  }

  const clamped = value => value < 0 ? 0 : value > 255 ? 255 : value;

  const in_steps = p => (sum, output) => {
    let found = sum + p.bias[output];
    if (found < 0 && p.negative !== ONE) found = rescaled(found, p.negative, 30);
    return clamped(p.zero_out + rescaled(found, p.multipliers[output], p.shifts[output]));
  };

  /* The largest number of each window of each plane, or what `finish` makes of their sum. */
  function pooled(p, x, y, fill, zero, finish) {
    const { values, plane, across } = padded(p, x, p.planes, fill, zero), { offsets, firsts } = windows(p, 1, plane, across);
    const places = p.rows * p.columns, width = offsets.length;
    for (let k = 0; k < p.planes * places; k++) {
      const place = k % places, first = Math.floor(k / places) * plane + firsts[place];
      let found = values[first];
      if (finish) {
        for (let n = 1; n < width; n++) found += values[first + offsets[n]];
        found = finish(found, place);
      } else
        for (let n = 1; n < width; n++) {
          const value = values[first + offsets[n]];
          if (value > found) found = value;
        }
      y[k] = found;
    }
  }

  const larger = (a, b) => b > a ? b : a, sum = (a, b) => a + b, same = one => one;

  /* How many numbers each window's mean is over: padding counts where the layer says so. */
  function counted(p) {
    if (p.counts) return p.counts;
    const found = [], bottom = p.height + (p.count_padding ? p.bottom : 0), right = p.width + (p.count_padding ? p.right : 0);
    const first = p.count_padding ? -Infinity : 0;
    for (let row = 0; row < p.rows; row++)
      for (let column = 0; column < p.columns; column++) {
        let count = 0;
        for (let i = 0; i < p.kernel_rows; i++)
          for (let j = 0; j < p.kernel_columns; j++) {
            const from = row * p.stride_rows - p.top + i * p.dilation_rows;
            const at = column * p.stride_columns - p.left + j * p.dilation_columns;
            count += from >= first && from < bottom && at >= first && at < right;
          }
        found.push(count);
      }
    return p.counts = found;
  }

  function strided(p, x, z, y, both) {
    const [a_most, b_most, c_most, d_most] = p.dims, s = p.first_strides, t = p.second_strides;
    let k = 0;
    for (let a = 0; a < a_most; a++)
      for (let b = 0; b < b_most; b++)
        for (let c = 0; c < c_most; c++) {
          let first = a * s[0] + b * s[1] + c * s[2], second = a * t[0] + b * t[1] + c * t[2];
          for (let d = 0; d < d_most; d++, first += s[3], second += t[3]) y[k++] = both(x[first], z[second]);
        }
  }

  function copied(p, x, y) {
    const [a_most, b_most, c_most, d_most] = p.dims, r = p.read, w = p.write;
    y.fill(p.fill, 0, p.filled);
    for (let a = 0; a < a_most; a++)
      for (let b = 0; b < b_most; b++)
        for (let c = 0; c < c_most; c++) {
          let from = p.start + a * r[0] + b * r[1] + c * r[2], to = p.to + a * w[0] + b * w[1] + c * w[2];
          for (let d = 0; d < d_most; d++, from += r[3], to += w[3]) y[to] = x[from];
        }
  }

  function each(x, y, curve) {
    for (let k = 0; k < y.length; k++) y[k] = curve(x[k]);
  }

  /* (outer, count, inner) -> (outer, inner), one number after the other. */
  function added(p, x, y, zero, add, finish) {
    for (let k = 0; k < p.outer * p.inner; k++) {
      const first = Math.floor(k / p.inner) * p.count * p.inner + k % p.inner;
      let found = 0;
      for (let i = 0; i < p.count; i++) found = add(found + (x[first + i * p.inner] - zero));
      y[k] = finish(found);
    }
  }

  /* e to the power of x by arithmetic alone, in single precision. */
  function exponential(x) {
    x = x > 88 ? 88 : x < -86 ? -86 : x;
    const scaled = f(x * f(1.44269504)), whole = Math.trunc(f(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    const rest = f(f(x - f(whole * f(0.693359375))) - f(whole * f(-2.12194440e-4)));
    let found = f(1.3888889e-3);
    for (const one of [8.3333333e-3, 4.1666668e-2, 0.16666667, 0.5, 1, 1]) found = f(f(found * rest) + f(one));
    return f(found * 2 ** whole);
  }

  const sigmoid = x => f(1 / f(1 + exponential(-x)));

  function softmax(p, x, y) {
    for (let k = 0; k < p.outer * p.inner; k++) {
      const first = Math.floor(k / p.inner) * p.count * p.inner + k % p.inner, last = first + p.count * p.inner;
      let largest = x[first], total = 0;
      for (let i = first; i < last; i += p.inner) largest = larger(largest, x[i]);
      for (let i = first; i < last; i += p.inner) total = f(total + (y[i] = exponential(f(x[i] - largest))));
      for (let i = first; i < last; i += p.inner) y[i] = y[i] / total;
    }
  }

  function normalised_instances(p, x, y) {
    for (let k = 0; k < p.batch * p.channels; k++) {
      const own = x.subarray(k * p.count, (k + 1) * p.count), mean = own.reduce(sum, 0) / p.count;
      const factor = p.scale[k % p.channels] / Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / p.count + p.epsilon);
      for (let i = 0; i < p.count; i++) y[k * p.count + i] = (own[i] - mean) * factor + p.shift[k % p.channels];
    }
  }

  function normalised(p, x, y) {
    for (let k = 0; k < y.length; k++) {
      const of = Math.floor(k / p.inner) % p.period;
      y[k] = f(x[k] - p.mean[of]) / p.std[of];
    }
  }

  const KERNELS = {
    add: (p, [x, z], y) => strided(p, x, z, y, (a, b) => a + b),
    add_int8: (p, [x, z], y) => strided(p, x, z, y, (a, b) => clamped(p.zero_out + shifted((a - p.first_zero) * p.first_multiplier
      + (b - p.second_zero) * p.second_multiplier + p.constant, p.shift))),
    average_pool: (p, [x], y) => pooled(p, x, y, 0, 0, (found, place) => found / counted(p)[place]),
    average_pool_int8: (p, [x], y) => pooled(p, x, y, 0, p.zero,
      (found, place) => p.zero + Math.floor((2 * found + counted(p)[place]) / (2 * counted(p)[place]))),
    clip: (p, [x], y) => each(x, y, one => one < p.low ? p.low : one > p.high ? p.high : one),
    convolution: (p, [x], y) => convolved(p, x, y, 0, rectified(p)),
    convolution_int8: (p, [x], y) => convolved(p, x, y, p.zero_in, in_steps(p)),
    copy: (p, [x], y) => copied(p, x, y),
    copy_int8: (p, [x], y) => copied(p, x, y),
    dense: (p, [x], y) => multiplied(p, x, y, 0, rectified(p)),
    dense_int8: (p, [x], y) => multiplied(p, x, y, p.zero_in, in_steps(p)),
    dense_to_float: (p, [x], y) => multiplied(p, x, y, p.zero_in, (total, output) => {
      const found = f(f(total + p.bias[output]) * p.scales[output]);
      return found < 0 ? f(found * f(p.negative)) : found;
    }),
    dequantise: (p, [x], y) => each(x, y, one => f(f(one - f(p.zero)) * f(p.scale))),
    divide: (p, [x, z], y) => strided(p, x, z, y, (a, b) => a / b),
    hard_sigmoid: (p, [x], y) => each(x, y, one => Math.min(Math.max(f(f(one * f(p.slope)) + f(p.middle)), 0), 1)),
    hard_swish: (p, [x], y) => each(x, y, one => f(one * Math.min(Math.max(f(f(one + 3) / 6), 0), 1))),
    hyperbolic_tangent: (p, [x], y) => each(x, y, one => f(1 - f(2 / f(1 + exponential(f(2 * one)))))),
    instance_normalisation: (p, [x], y) => normalised_instances(p, x, y),
    keep_bytes: (p, [x], y) => y.set(x),
    keep_floats: (p, [x], y) => y.set(x),
    max_pool: (p, [x], y) => pooled(p, x, y, -Infinity, 0),
    max_pool_int8: (p, [x], y) => pooled(p, x, y, 0, 0),
    mean: (p, [x], y) => added(p, x, y, 0, f, found => f(found / f(p.count))),
    multiply: (p, [x, z], y) => strided(p, x, z, y, (a, b) => a * b),
    multiply_int8: (p, [x, z], y) => strided(p, x, z, y,
      (a, b) => clamped(p.zero_out + rescaled((a - p.first_zero) * (b - p.second_zero), p.multiplier, p.shift))),
    normalise_bytes: (p, [x], y) => normalised(p, x, y),
    normalise_floats: (p, [x], y) => normalised(p, x, y),
    power: (p, [x], y) => each(x, y, one => one ** f(p.exponent)),
    quantise: (p, [x], y) => each(x, y, one => Math.trunc(Math.min(Math.max(f(f(one * f(p.steps)) + f(p.raised)), 0), 255))),
    rectify: (p, [x], y) => each(x, y, one => one < 0 ? one * p.negative : one),
    separable: (p, [x], y) => separated(p, x, y, 0, same, rectified(p)),
    separable_int8: (p, [x], y) => separated(p, x, y, p.zero_in, (found, output) => shifted(found, p.downs[output]), in_steps(p)),
    sigmoid: (p, [x], y) => each(x, y, sigmoid),
    softmax: (p, [x], y) => softmax(p, x, y),
    subtract: (p, [x, z], y) => strided(p, x, z, y, (a, b) => a - b),
    table: (p, [x], y) => each(x, y, one => p.values[one]),
    total: (p, [x], y) => added(p, x, y, 0, f, same),
    total_int8: (p, [x], y) => added(p, x, y, p.zero_in, same, found => clamped(p.zero_out + rescaled(found, p.multiplier, p.shift))),
  };

  /* A program as it is sent, made ready to run: arrays by name in place of their names, weights of 8 bits times their scale. */
  function ready(program, arrays) {
    const array = ({ array, scale }) => {
      if (scale === undefined) return arrays[array];
      const scales = arrays[scale], each = arrays[array].length / scales.length;
      return Float32Array.from(arrays[array], (one, k) => one * scales[Math.floor(k / each)]);
    };
    const known = value => value?.array === undefined ? value : array(value);
    const tensors = Object.fromEntries(Object.entries(program.tensors).map(
      ([name, [size, kind]]) => [name, kind === "float" ? new Float32Array(size) : new Uint8Array(size)]));
    const steps = program.steps.map(({ kernel, inputs, output, fields }) => ({
      kernel: KERNELS[kernel], output, reads: inputs.filter(one => typeof one === "string"),
      inputs: inputs.map(one => typeof one === "string" ? tensors[one] : array(one)),
      fields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, known(value)])),
    }));
    return { steps, tensors, inputs: program.inputs, output: program.output };
  }

  /* Tensors by name that are to be others than they were -> what is put out. */
  function run(program, given) {
    const changed = new Set(Object.keys(given));
    for (const name of changed) program.tensors[name].set(given[name]);
    for (const step of program.steps)
      if (step.reads.some(name => changed.has(name))) {
        step.kernel(step.fields, step.inputs, program.tensors[step.output]);
        changed.add(step.output);
      }
    return program.tensors[program.output].slice();
  }

  /* Pictures as they are sent: (2, 8, 8, blocks) whole steps of cosines in two bytes, signs folded in -> pixels of so many planes. */
  function pictures(stored, planes, height, width, step) {
    const down = Math.ceil(height / 8), across = Math.ceil(width / 8), blocks = planes * down * across;
    const wave = (k, x) => Math.sqrt((k ? 2 : 1) / 8) * Math.cos((2 * x + 1) * k * Math.PI / 16);
    const waves = Float64Array.from({ length: 64 }, (_, n) => wave(n >> 3, n & 7));
    const found = new Uint8Array(planes * height * width), half_way = new Float64Array(64);
    for (let block = 0; block < blocks; block++) {
      const plane = Math.floor(block / (down * across)), top = Math.floor(block / across) % down * 8, left = block % across * 8;
      half_way.fill(0);
      for (let n = 0; n < 64; n++) {
        const folded = stored[n * blocks + block] + 256 * stored[(64 + n) * blocks + block];
        const value = (folded % 2 ? -(folded + 1) / 2 : folded / 2) * step;
        if (value) for (let y = 0; y < 8; y++) half_way[y * 8 + (n & 7)] += waves[(n >> 3) * 8 + y] * value;
      }
      for (let y = 0; y < 8 && top + y < height; y++)
        for (let x = 0; x < 8 && left + x < width; x++) {
          let value = 128.5 + 1e-6;
          for (let n = 0; n < 8; n++) value += half_way[y * 8 + n] * waves[n * 8 + x];
          found[(plane * height + top + y) * width + left + x] = clamped(Math.floor(value));
        }
    }
    return found;
  }

  return { KERNELS, pictures, ready, run, unpacked };
})();
