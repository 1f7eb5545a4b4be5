// Maps: zoom and move.
function map(frame) {
  const plane = frame.querySelector(".plane"), points = all(".point", plane), fingers = new Map();
  let scale = 1, left = 0, top = 0;
  function draw() {
    const { clientWidth: width, clientHeight: height } = plane;
    const size = Math.sqrt(scale);
    for (const point of points) {
      const x = left + scale * (20 + point.dataset.x * (width - 40)) - point.offsetWidth / 2;
      const y = top + scale * (32 + point.dataset.y * (height - 64)) - point.offsetHeight / 2;
      point.style.transform = `translate(${x}px, ${y}px) scale(${size})`;
    }
  }
  function zoom(factor, x = plane.clientWidth / 2, y = plane.clientHeight / 2) {
    const next = Math.min(40, Math.max(1, scale * factor)), by = next / scale;
    [scale, left, top] = [next, x - by * (x - left), y - by * (y - top)];
    if (scale === 1) left = top = 0;
    draw();
  }
  const place = (event) => {
    const box = plane.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  plane.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...place(event));
  }, { passive: false });
  plane.addEventListener("pointerdown", (event) => {
    if (!fingers.size) moved = false;
    fingers.set(event.pointerId, place(event));
  });
  plane.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = place(event), other = [...fingers].find(([id]) => id !== event.pointerId);
    if (!moved && Math.hypot(now[0] - before[0], now[1] - before[1]) < 4) return;
    moved = true;
    if (other) {
      const apart = (point) => Math.hypot(point[0] - other[1][0], point[1] - other[1][1]);
      zoom(apart(now) / Math.max(1, apart(before)), ...other[1]);
    } else {
      left += now[0] - before[0];
      top += now[1] - before[1];
      draw();
    }
    fingers.set(event.pointerId, now);
  });
  for (const kind of ["pointerup", "pointercancel", "pointerleave"]) {
    plane.addEventListener(kind, (event) => {
      fingers.delete(event.pointerId);
      setTimeout(() => { moved = false; }); // after the click that ends a drag
    });
  }
  plane.addEventListener("keydown", (event) => {
    const by = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 }[event.key];
    if (by) zoom(by);
    const way = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (!way) return;
    event.preventDefault();
    left += way[0];
    top += way[1];
    draw();
  });
  all("[data-zoom]", frame).forEach((button) => button.addEventListener("click", () => {
    moved = false;
    zoom(Number(button.dataset.zoom) || 1e-9);
  }));
  points.forEach((point) => { point.style.borderColor = `hsl(${point.dataset.hue} 70% 50%)`; });
  new ResizeObserver(draw).observe(plane);
  const images = points.map((point) => point.firstElementChild);
  Promise.all(images.map((image) => image.decode().catch(() => {}))).then(draw);
}
all(".map").forEach(map);
