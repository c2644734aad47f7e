// Whether the browser draws volumes with a graphics card, or would have the processor imitate one.
const IMITATED = /swiftshader|llvmpipe|softpipe|software|basic render|microsoft basic/i;

export function hasGraphicsCard() {
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!context) return false;
  const named = context.getExtension("WEBGL_debug_renderer_info");
  const name = context.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  context.getExtension("WEBGL_lose_context")?.loseContext(); // browsers allow only so many at a time
  return !IMITATED.test(String(name));
}
