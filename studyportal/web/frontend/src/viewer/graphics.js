// Whether the browser draws volumes with a graphics card, or would have the processor imitate one.
const IMITATED = /swiftshader|llvmpipe|softpipe|software|basic render/i;
const CHOICE = "viewer.drawing"; // card or flat; nothing of a participant is kept in a browser

export const chosenDrawing = () => window.localStorage.getItem(CHOICE) ?? "";

export function chooseDrawing(how) {
  if (how) window.localStorage.setItem(CHOICE, how);
  else window.localStorage.removeItem(CHOICE);
}

export function drawsWithCard() {
  const chosen = chosenDrawing();
  return chosen ? chosen === "card" && Boolean(anyContext()) : hasGraphicsCard();
}

const anyContext = (options) => document.createElement("canvas").getContext("webgl2", options);

function hasGraphicsCard() {
  const context = anyContext({ failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const named = context.getExtension("WEBGL_debug_renderer_info");
  const name = context.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  context.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow only so many at a time
  return !IMITATED.test(String(name));
}
