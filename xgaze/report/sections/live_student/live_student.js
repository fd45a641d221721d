/* Try the student: samples, brush, sliders and calibration around the interpreter. Nothing here computes what a student predicts. */
(() => {
  const source = document.getElementById("live-data");
  if (!source) return;
  const { live, arrays, stored, ...known } = JSON.parse(source.textContent), { at, drawn, made, told } = LiveViews;
  const { inputs, samples, embedding } = live, cameras = inputs.filter(one => one.picture);
  const FORMS = { float: "student", int8: "student in 8 bits", teacher: "teacher" };
  const pause = ms => new Promise(done => setTimeout(done, ms));
  const chosen = name => document.querySelector(`input[name=${name}]:checked`).value;

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

  const digitsOfMoves = live.kind === "value" ? known.digits : 1;
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

  const view = LiveViews[live.kind]({ ...known, live, samples, shown, forms, names: FORMS, slides, along, refresh: () => show() });

  function show() {
    const form = chosen("live-model"), sample = samples[shown.number];
    if (form !== "teacher") shown.points[form] = predicted(form);
    shown.points.teacher = sample.teacher;
    at("live-point").textContent = `${FORMS[form][0].toUpperCase()}${FORMS[form].slice(1)}: ${view.show(form, sample)}`
      + (form === "teacher" ? " What the teacher predicted is stored; it does not follow brush and sliders." : "");
    fillFigures();
    clearTimeout(show.later);
    show.later = setTimeout(() => {  // the other form, when nothing moves any more
      for (const other of Object.keys(forms)) shown.points[other] = predicted(other);
      fillFigures();
    }, 250);
  }

  function fillFigures() {
    const sample = samples[shown.number], rows = Object.keys(FORMS).filter(form => form === "teacher" || forms[form]);
    const row = (name, words, figures) => made("tr", {}, made("th", { scope: "row", class: `text ${name}` }, words),
      ...figures.map(one => made("td", {}, one)));
    const empty = view.ofTruth(sample.truth).map(() => "");
    at("live-figures").replaceChildren(
      ...rows.map(form => row(form, FORMS[form], shown.points[form] ? view.figures(shown.points[form], sample.truth) : empty)),
      row("truth", "truth", view.ofTruth(sample.truth)));
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
          let value = Array.isArray(camera.blank) ? camera.blank[plane] : camera.blank;
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
    view.take();
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
    return made("label", {}, `direction ${k + 1}`, slider, made("b", {}, `${told(strength, digitsOfMoves)} ${view.moves}`));
  }

  /* Every sample in every form against what was stored for it, in pauses; and how long that takes. */
  async function check() {
    const words = [];
    let trusted = true;
    for (const [form, one] of Object.entries(forms)) {
      const program = one.again(), times = [];
      let apart = 0;
      for (let k = 0; k < samples.length; k++) {
        await pause(10);
        const given = Object.fromEntries(inputs.map(({ name }) => [`${name} as stored`, inputOf(name, k)])), start = performance.now();
        const found = Interpreter.run(program, given);
        times.push(performance.now() - start);
        apart = Math.max(apart, ...samples[k][form].map((one, n) => Math.abs(found[n] - one)));
      }
      const median = times.sort((a, b) => a - b)[times.length >> 1];
      trusted &&= apart < live.trusted;
      words.push(`the ${FORMS[form]} is at most ${apart ? apart.toPrecision(2) : 0} ${view.apart} from what was computed when the page was written, `
        + `and takes ${median < 10 ? median.toFixed(1) : Math.round(median)} ms`);
    }
    at("live-checked").textContent = `Checked in this browser on ${samples.length} samples: ${words.join("; ")}.`
      + (trusted ? "" : " That is too far: do not trust what it shows here.");
    at("live-checked").classList.toggle("missed", !trusted);
    at("live-checked").dataset.checked = trusted;
  }

  async function start() {
    await unpack();
    at("live-cameras").append(...cameras.map(makeCamera));
    at("live-samples").append(...samples.map(makeSample));
    at("live-sliders").append(...(embedding ? embedding.moves.map(makeSlider) : []));
    at("live-size").addEventListener("input", () => cameras.forEach(one => one.ring()));
    at("live-restore").addEventListener("click", () => { restore(); show(); });
    for (const one of document.querySelectorAll("input[name=live-model]")) one.addEventListener("change", show);
    view.draw();
    take(0);
    await check();
  }

  start().catch(fault => {
    at("live-parts").hidden = true;
    at("live-fault").hidden = false;
    at("live-fault").textContent = `This browser cannot run the student (${fault.message}).`;
  });
})();
