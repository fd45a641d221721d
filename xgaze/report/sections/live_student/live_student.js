/* Try the student: samples, brush, sliders and calibration around the interpreter. Nothing here computes what a student predicts. */
(() => {
  const source = document.getElementById("live-data");
  if (!source) return;
  const { scene, live, arrays, stored } = JSON.parse(source.textContent);
  const { inputs, samples, embedding } = live, cameras = inputs.filter(one => one.picture);
  const FORMS = { float: "student", int8: "student in 8 bits", teacher: "teacher" }, TRUSTED_PX = 0.01;
  const at = id => document.getElementById(id), pause = ms => new Promise(done => setTimeout(done, ms));
  const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]), mean = values => values.reduce((a, b) => a + b, 0) / values.length;
  const chosen = name => document.querySelector(`input[name=${name}]:checked`).value;
  const px = value => value.toFixed(1).replace("-", "\u2212");

  function made(kind, attributes = {}, ...children) {
    const one = document.createElement(kind);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  }

  function drawn(kind, attributes) {
    const one = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    return one;
  }

  /* What is there of every sample, the one that is shown, and the student in its forms. */
  const shown = { number: 0, pictures: {}, points: {}, amounts: [], path: null, known: new Set() };
  const forms = {};
  let pixels, directions;

  async function unpack() {
    const unpacked = await Interpreter.unpacked({ ...arrays });
    const raw = await Interpreter.unpacked(stored);
    pixels = Object.fromEntries(inputs.map(({ name, shape, coded }) => {
      const [planes, height, width] = shape;
      return [name, coded
        ? Interpreter.pictures(raw[name], planes * samples.length, height, width, live.picture_step) : raw[name]];
    }));
    for (const form of ["float", "int8"])
      if (live[form]) forms[form] = { again: () => Interpreter.ready(live[form], unpacked), stale: new Set(), base: null };
    for (const one of Object.values(forms)) one.program = one.again();
    directions = embedding ? unpacked[embedding.steps] : null;
  }

  function inputOf(name, number) {
    const size = pixels[name].length / samples.length;
    return pixels[name].slice(number * size, (number + 1) * size);
  }

  /* The student's point for what is shown; only what was changed is computed again. */
  function predicted(form) {
    const one = forms[form];
    if (one.stale.size) {
      const given = Object.fromEntries([...one.stale].map(name => [`${name} as stored`, shown.pictures[name]]));
      if (one.base) given[embedding.tensor] = one.base;
      one.point = Interpreter.run(one.program, given);
      if (slides(form)) one.base = one.program.tensors[embedding.tensor].slice();
      one.stale.clear();
    }
    return slides(form) && shown.amounts.some(Boolean) ? along(form, shown.amounts) : one.point;
  }

  const slides = form => embedding && (form === "float" || form === "int8" && embedding.in_int8);

  /* The point where the embedding is moved by so many steps of each direction. */
  function along(form, amounts) {
    const { base, program } = forms[form], scale = form === "int8" ? embedding.int8_scale : null;
    const moved = Float32Array.from(base, (value, k) => {
      const by = amounts.reduce((sum, amount, n) => sum + amount * directions[n * base.length + k], 0);
      return scale ? Math.min(Math.max(Math.round(value + by / scale), 0), 255) : value + by;
    });
    return Interpreter.run(program, { [embedding.tensor]: moved });
  }

  /* A person's map from the points that were clicked: a shift, or from three points on affine, by least squares. */
  function calibration(form) {
    const own = [...shown.known].filter(k => samples[k].group === samples[shown.number].group);
    const pairs = own.map(k => [samples[k][form], samples[k].truth]);
    if (!pairs.length) return { own, map: point => point };
    const shift = [0, 1].map(axis => mean(pairs.map(([point, truth]) => truth[axis] - point[axis])));
    const shifted = { own, map: point => [point[0] + shift[0], point[1] + shift[1]] };
    if (pairs.length < 3) return shifted;
    const middle = [0, 1].map(axis => mean(pairs.map(([point]) => point[axis])));
    const sums = (a, b) => pairs.reduce((sum, pair) => sum + a(pair) * b(pair), 0);
    const x = ([point]) => point[0] - middle[0], y = ([point]) => point[1] - middle[1];
    const [xx, xy, yy] = [sums(x, x), sums(x, y), sums(y, y)], room = xx * yy - xy * xy;
    if (room < 1e-3 * xx * yy || !room) return shifted;
    const rows = [0, 1].map(axis => {
      const target = ([, truth]) => truth[axis], [xt, yt] = [sums(x, target), sums(y, target)];
      return [(xt * yy - yt * xy) / room, (yt * xx - xt * xy) / room, middle[axis] + shift[axis]];
    });
    const affine = point => rows.map(([a, b, c]) => a * (point[0] - middle[0]) + b * (point[1] - middle[1]) + c);
    return { own, map: affine };
  }

  /* The scene */
  const marks = {};

  function drawScene() {
    const unit = scene[0] / 100;
    marks.path = drawn("polyline", { class: "path", points: "" });
    marks.off = drawn("line", { class: "off" });
    marks.rings = drawn("g", {});
    marks.truth = drawn("path", { class: "truth" });
    for (const form of ["teacher", ...Object.keys(forms).reverse()]) marks[form] = drawn("circle", { class: form, r: unit });
    at("live-scene").append(marks.path, marks.off, marks.rings, marks.truth, ...Object.keys(FORMS).map(form => marks[form])
      .filter(Boolean).reverse());
  }

  function drawRings() {
    const rings = samples.map((sample, k) => ({ sample, k })).filter(({ sample }) => sample.group === samples[shown.number].group);
    marks.rings.replaceChildren(...rings.map(({ sample, k }) => {
      const ring = drawn("circle", { class: "known", role: "button", tabindex: 0, "aria-pressed": shown.known.has(k),
        "aria-label": `Calibrate on ${sample.id}`, cx: sample.truth[0], cy: sample.truth[1], r: scene[0] / 55 });
      const turn = () => {
        if (!shown.known.delete(k)) shown.known.add(k);
        ring.setAttribute("aria-pressed", shown.known.has(k));
        show();
      };
      ring.addEventListener("click", turn);
      ring.addEventListener("keydown", event => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); turn(); }
      });
      return ring;
    }));
    const [x, y] = samples[shown.number].truth, arm = scene[0] / 70;
    marks.truth.setAttribute("d", `M${x - arm} ${y}h${2 * arm}M${x} ${y - arm}v${2 * arm}`);
  }

  function show() {
    const form = chosen("live-model"), sample = samples[shown.number];
    if (form !== "teacher") shown.points[form] = predicted(form);
    shown.points.teacher = sample.teacher;
    const { own, map } = calibration(form), point = map(shown.points[form]);
    for (const [name, mark] of Object.entries(marks).filter(([name]) => FORMS[name])) {
      const [x, y] = name === form ? point : shown.points[name] ?? sample[name];
      mark.setAttribute("cx", x), mark.setAttribute("cy", y);
      mark.setAttribute("r", scene[0] / (name === form ? 75 : 120));
      mark.classList.toggle("other", name !== form);
    }
    for (const [key, value] of Object.entries({ x1: point[0], y1: point[1], x2: sample.truth[0], y2: sample.truth[1] }))
      marks.off.setAttribute(key, value);
    drawPath(form, map);
    at("live-point").textContent = `${FORMS[form][0].toUpperCase()}${FORMS[form].slice(1)}: ${px(point[0])}, ${px(point[1])} px, `
      + `${px(far(point, sample.truth))} px off${own.length ? " once calibrated" : ""}.`
      + (form === "teacher" ? " What the teacher predicted is stored; it does not follow brush and sliders." : "");
    tell(form, own, map);
    fillFigures();
    clearTimeout(show.later);
    show.later = setTimeout(() => {  // the other form, when nothing moves any more
      for (const other of Object.keys(forms)) shown.points[other] = predicted(other);
      fillFigures();
    }, 250);
  }

  function drawPath(form, map) {
    const from = shown.path, points = [];
    if (from !== null && slides(form))
      for (let amount = -3; amount <= 3; amount += 0.5)
        points.push(map(along(form, shown.amounts.map((one, k) => k === from ? amount : one))).map(one => one.toFixed(1)).join(","));
    marks.path.setAttribute("points", points.join(" "));
  }

  function tell(form, own, map) {
    const group = samples[shown.number].group;
    const others = samples.filter((one, k) => one.group === group && !own.includes(k));
    const off = as => px(mean(others.map(one => far(as(one[form]), one.truth))));
    at("live-calibrated").textContent = !own.length ? `No point of ${group} is clicked.`
      : `${own.length} ${own.length === 1 ? "point" : "points"} of ${group}` + (others.length
        ? `: on the other ${others.length === 1 ? "frame" : `${others.length} frames`} ${off(one => one)} px off become ${off(map)} px.` : ": no other frame is left.");
  }

  function fillFigures() {
    const sample = samples[shown.number], rows = Object.keys(FORMS).filter(form => form === "teacher" || forms[form]);
    const row = (name, words, point) => {
      const figures = point ? [px(point[0]), px(point[1]), px(far(point, sample.truth))] : ["", "", ""];
      return made("tr", {}, made("th", { scope: "row", class: `text ${name}` }, words), ...figures.map(one => made("td", {}, one)));
    };
    at("live-figures").replaceChildren(...rows.map(form => row(form, FORMS[form], shown.points[form])), row("truth", "truth", sample.truth));
  }

  /* Cameras */
  function paint(canvas, { shape: [planes, height, width] }, values) {
    const picture = new ImageData(width, height), size = height * width;
    for (let k = 0; k < size; k++)
      for (let channel = 0; channel < 4; channel++)
        picture.data[4 * k + channel] = channel === 3 ? 255 : values[(planes === 3 ? channel : 0) * size + k];
    canvas.width = width, canvas.height = height;
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  /* Paints what the brush covers: mean grey, the mean of 7 x 7 pixels, or what lies where the brush came from. */
  function stamp(camera, brush) {
    const [planes, height, width] = camera.shape, values = shown.pictures[camera.name], before = values.slice();
    const size = Number(at("live-size").value), kind = chosen("live-brush");
    const [dx, dy] = brush.moved.map(Math.round), within = (value, most) => Math.min(Math.max(value, 0), most - 1);
    for (let y = Math.max(0, Math.ceil(brush.y - size)); y <= Math.min(height - 1, brush.y + size); y++)
      for (let x = Math.max(0, Math.ceil(brush.x - size)); x <= Math.min(width - 1, brush.x + size); x++) {
        if (Math.hypot(x - brush.x, y - brush.y) > size) continue;
        for (let plane = 0; plane < planes; plane++) {
          const from = (row, column) => before[(plane * height + within(row, height)) * width + within(column, width)];
          let value = camera.blank;
          if (kind === "shift") value = from(y - dy, x - dx);
          if (kind === "blur") {
            value = 0;
            for (let n = 0; n < 49; n++) value += from(y + n % 7 - 3, x + Math.floor(n / 7) - 3) / 49;
          }
          values[(plane * height + y) * width + x] = Math.round(value);
        }
      }
    for (const one of Object.values(forms)) one.stale.add(camera.name);
    paint(brush.canvas, camera, values);
    soon();
  }

  function soon() {
    soon.asked ??= requestAnimationFrame(() => { soon.asked = null; show(); });
  }

  function makeCamera(camera) {
    const [, height, width] = camera.shape, canvas = made("canvas");
    const rings = [drawn("circle", {}), drawn("circle", {})], over = drawn("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": true });
    over.append(...rings);
    const label = `${camera.name}: arrows move the brush, Enter stamps`;
    const box = made("div", { class: "camera", tabindex: 0, role: "application", "aria-label": label }, canvas, over,
      made("span", { "aria-hidden": true }, camera.name));
    const brush = camera.brush = { x: width / 2, y: height / 2, moved: [3, 0], canvas };
    const place = (x, y) => {
      if (x !== brush.x || y !== brush.y) brush.moved = [x - brush.x, y - brush.y];
      Object.assign(brush, { x, y });
      ring();
    };
    const ring = camera.ring = () => rings.forEach(one => {
      one.setAttribute("cx", brush.x), one.setAttribute("cy", brush.y), one.setAttribute("r", at("live-size").value);
    });
    const follow = event => {
      const area = box.getBoundingClientRect();
      place((event.clientX - area.left) / area.width * width, (event.clientY - area.top) / area.height * height);
    };
    box.addEventListener("pointerdown", event => { box.setPointerCapture(event.pointerId); follow(event); stamp(camera, brush); });
    box.addEventListener("pointermove", event => { follow(event); if (event.buttons) stamp(camera, brush); });
    box.addEventListener("keydown", event => {
      const step = Math.max(1, Math.round(at("live-size").value / 3));
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (by) place(Math.min(Math.max(brush.x + by[0], 0), width), Math.min(Math.max(brush.y + by[1], 0), height));
      else if (event.key === "Enter") stamp(camera, brush);
      else return;
      event.preventDefault();
    });
    ring();
    return box;
  }

  /* Samples and sliders */
  function take(number) {
    Object.assign(shown, { number, points: {}, amounts: shown.amounts.map(() => 0), path: null });
    for (const slider of at("live-sliders").querySelectorAll("input")) slider.value = 0;
    restore();
    drawRings();
    show();
  }

  function restore() {
    for (const { name } of inputs) {
      shown.pictures[name] = inputOf(name, shown.number);
      for (const one of Object.values(forms)) one.stale.add(name);
    }
    for (const camera of cameras) paint(camera.brush.canvas, camera, shown.pictures[camera.name]);
  }

  function makeSample(sample, k) {
    const canvas = made("canvas"), radio = made("input", { type: "radio", name: "live-sample", value: k });
    paint(canvas, cameras[0], inputOf(cameras[0].name, k));
    radio.checked = k === 0;
    radio.addEventListener("change", () => take(k));
    return made("label", { title: sample.id }, radio, canvas, made("bdi", {}, sample.id));
  }

  function makeSlider(strength, k) {
    const slider = made("input", { type: "range", min: -3, max: 3, step: 0.1, value: 0 });
    slider.addEventListener("input", () => { shown.amounts[k] = Number(slider.value); shown.path = k; soon(); });
    slider.addEventListener("focus", () => { shown.path = k; soon(); });
    shown.amounts.push(0);
    return made("label", {}, `direction ${k + 1}`, slider, made("b", {}, `${px(strength)} px`));
  }

  /* Every sample in every form against what was stored for it, in pauses; and how long that takes. */
  async function check() {
    const told = [];
    let trusted = true;
    for (const [form, one] of Object.entries(forms)) {
      const program = one.again(), times = [];
      let apart = 0;
      for (let k = 0; k < samples.length; k++) {
        await pause(10);
        const given = Object.fromEntries(inputs.map(({ name }) => [`${name} as stored`, inputOf(name, k)])), start = performance.now();
        const [x, y] = Interpreter.run(program, given);
        times.push(performance.now() - start);
        apart = Math.max(apart, Math.abs(x - samples[k][form][0]), Math.abs(y - samples[k][form][1]));
      }
      const median = times.sort((a, b) => a - b)[times.length >> 1];
      trusted &&= apart < TRUSTED_PX;
      told.push(`the ${FORMS[form]} is at most ${apart ? apart.toPrecision(2) : 0} px from what was computed when the page was written, `
        + `and takes ${median < 10 ? median.toFixed(1) : Math.round(median)} ms`);
    }
    at("live-checked").textContent = `Checked in this browser on ${samples.length} samples: ${told.join("; ")}.`
      + (trusted ? "" : " That is too far: do not trust what it shows here.");
    at("live-checked").classList.toggle("missed", !trusted);
    at("live-checked").dataset.checked = trusted;
  }

  async function start() {
    await unpack();
    at("live-cameras").append(...cameras.map(makeCamera));
    at("live-samples").append(...samples.map(makeSample));
    at("live-sliders").append(...(embedding ? embedding.px.map(makeSlider) : []));
    at("live-size").addEventListener("input", () => cameras.forEach(one => one.ring()));
    at("live-restore").addEventListener("click", () => { restore(); show(); });
    at("live-clear").addEventListener("click", () => { shown.known.clear(); drawRings(); show(); });
    for (const one of document.querySelectorAll("input[name=live-model]")) one.addEventListener("change", show);
    drawScene();
    take(0);
    await check();
  }

  start().catch(fault => {
    at("live-parts").hidden = true;
    at("live-fault").hidden = false;
    at("live-fault").textContent = `This browser cannot run the student (${fault.message}).`;
  });
})();
