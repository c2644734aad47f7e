// Django's token: from the page's meta element, else a form, else the cookie.
export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]')?.content;
  const field = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  const cookie = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1];
  return meta || field || cookie || "";
}
