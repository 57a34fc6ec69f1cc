/** An answer that is JSON lines instead of one JSON value. */
export class JsonLines {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}
