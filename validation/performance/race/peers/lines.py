"""NumPy and SciPy as a good user writes it in an hour: finite volumes in v, and an implicit solver of stiff equations.

Central differences on cells whose edges include V_R and V_F, N from the two cells next to V_F (a parabola through
p(V_F) = 0), all that leaves put back into the two cells next to V_R. The solver of the linear problem is given its
constant Jacobian as a sparse matrix; that of the nonlinear one the sparse matrix of its last rate, and the column of
∂/∂N is added.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import csc_matrix, diags_array

from ..clock import fastest

V_R, V_F, V_MIN = 1.0, 2.0, -5.0


def edges_of(cells: int) -> np.ndarray:
    """Equal cells between V_R and V_F, two fifths of all; below, they grow in proportion to the distance."""
    above = 2 * cells // 5
    below = cells - above
    x = np.linspace(0.0, 1.0, below + 1)
    first = below / (above * (V_R - V_MIN))
    down = V_R - (V_R - V_MIN) * (first * x + (1.0 - first) * x**2)
    return np.concatenate([down[::-1], np.linspace(V_R, V_F, above + 1)[1:]])


class Lines:
    """n' = (A + b N B) n with N = e n."""

    def __init__(self, cells: int):
        edges = edges_of(cells)
        self.width = np.diff(edges)
        middle = 0.5 * (edges[1:] + edges[:-1])
        right = (edges[1:-1] - middle[:-1]) / np.diff(middle)
        inner, slope = edges[1:-1], 1.0 / np.diff(middle)
        self.last = self._last(edges, middle)
        ring = np.zeros(cells)
        k = int(np.argmin(np.abs(edges - V_R)))
        ring[k - 1 : k + 1] = 0.5 / self.width[k - 1 : k + 1]
        ring[-1] = -1.0 / self.width[-1]
        exchange = csc_matrix(ring[:, None]) @ csc_matrix(self.last[None, :])
        self.leak = csc_matrix(self._flux(-inner * (1.0 - right) + slope, -inner * right - slope) + exchange)
        self.shift = csc_matrix(self._flux(1.0 - right, right))
        density = np.exp(-2.0 * middle**2)
        self.start = density / (density @ self.width)

    def _flux(self, from_left: np.ndarray, from_right: np.ndarray):
        """Minus the divergence of from_left n_i + from_right n_{i+1} at the inner edges."""
        main = np.zeros(len(self.width))
        main[:-1] -= from_left
        main[1:] += from_right
        matrix = diags_array([from_left, main, -from_right], offsets=[-1, 0, 1])
        return diags_array(1.0 / self.width) @ matrix

    @staticmethod
    def _last(edges: np.ndarray, middle: np.ndarray) -> np.ndarray:
        near, far = edges[-1] - middle[-1], edges[-1] - middle[-2]
        last = np.zeros(len(middle))
        last[-2:] = -near / far / (far - near), far / near / (far - near)
        return last

    def rate(self, b: float, times, method: str, rtol: float) -> np.ndarray:
        """N at the given times, which end the run."""
        leak, shift, last = self.leak, self.shift, self.last
        row = csc_matrix(last[None, :])

        def slope(t, n):
            return leak @ n + (b * (last @ n)) * (shift @ n) if b else leak @ n

        def jacobian(t, n):
            return leak + (b * (last @ n)) * shift + b * csc_matrix((shift @ n)[:, None]) @ row

        solution = solve_ivp(
            slope, (0.0, times[-1]), self.start, method=method, t_eval=times, rtol=rtol, atol=1e-2 * rtol,
            jac=jacobian if b else leak,
        )  # fmt: skip
        return last @ solution.y


def linear(job: dict) -> list[dict]:
    """Transient of the linear problem."""
    return runs(0.0, job["times"], job["sizes"])


def nonlinear(job: dict) -> list[dict]:
    """Transient with the connectivity b."""
    return runs(job["b"], job["times"], job["sizes"])


def runs(b: float, times: list[float], sizes) -> list[dict]:
    found = []
    for cells, rtol in sizes:
        for method in ("BDF", "Radau"):

            def work(cells=cells, rtol=rtol, method=method):
                return Lines(cells).rate(b, times, method, rtol)

            seconds, rate = fastest(work)
            found.append(
                {"setting": f"{method}, {cells} cells, rtol {rtol:g}", "seconds": seconds, "times": times,
                 "rate": rate.tolist(), "name": f"SciPy {method}"}
            )  # fmt: skip
    return found
