import { createContext, useContext } from "react";

export type Login = {
  /** The database login of the window; null where it is not known yet. */
  name: string | null;
  /** The role that it works as by choice; null if it is the login itself. */
  worksAs: string | null;
};

export const LoginContext = createContext<Login>({ name: null, worksAs: null });

/** As whom the window works. */
export function useLogin(): Login {
  return useContext(LoginContext);
}
