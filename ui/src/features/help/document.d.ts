declare module "*?document" {
  const document: import("../../../documents/markdown").HelpDocument;
  export default document;
}
