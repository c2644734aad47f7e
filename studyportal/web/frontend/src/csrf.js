// Django's token: from the page's meta element, else a form, else the cookie.
export function csrfToken() {
  const meta = document.querySelector('meta[name="csrf-token"]')?.content;
  const field = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  return meta || field || cookieToken();
}

// The token of now: who signed in again in another tab has a new one, which only the cookie knows.
export const freshToken = () => cookieToken() || csrfToken();

function cookieToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}
